// What both gateways share: callers over HTTP, calls that wait for their answers. As people write it for Node, but
// without a framework, log, credentials, limits or deadlines: none of that is measured.
import http from 'node:http';

const path = '/v1/endpoints/wsData/requests';

export class Calls {
  #waiting = new Map();
  #last = 0;

  // `ask` sends a request, an object, to the service; false when there is none.
  server(ask) {
    return http.createServer((request, response) => {
      if (request.method !== 'POST' || !request.url.startsWith(path)) return refuse(response, 404);
      const chunks = [];
      request.on('data', (chunk) => chunks.push(chunk));
      request.on('end', () => {
        const message = JSON.parse(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
        message.callId = ++this.#last;
        this.#waiting.set(message.callId, response);
        response.on('close', () => this.#waiting.delete(message.callId));
        if (!ask(message)) refuse(response, 503);
      });
    });
  }

  // `text`: the answer as the caller gets it.
  answer(callId, text) {
    const response = this.#waiting.get(callId);
    if (response === undefined) return;
    this.#waiting.delete(callId);
    response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) });
    response.end(text);
  }
}

function refuse(response, status) {
  response.writeHead(status, { 'Content-Length': 0 });
  response.end();
}
