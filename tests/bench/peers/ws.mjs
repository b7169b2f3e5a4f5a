// The job of the relay with `ws`. Usage: node ws.mjs PORT
import { WebSocketServer } from 'ws';
import { Calls } from './calls.mjs';

let service;
const calls = new Calls();
const server = calls.server((message) => {
  service?.send(JSON.stringify(message));
  return service !== undefined;
});

new WebSocketServer({ server, path: '/wsData' }).on('connection', (socket) => {
  service = socket;
  socket.on('message', (data) => {
    const text = data.toString();
    // Passed on as it came.
    calls.answer(JSON.parse(text).callId, text);
  });
  socket.on('close', () => {
    if (service === socket) service = undefined;
  });
  socket.on('error', () => socket.terminate());
});
server.listen(Number(process.argv[2]), '127.0.0.1');
