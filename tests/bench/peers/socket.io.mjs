// The job of the relay with `socket.io`. Usage: node socket.io.mjs PORT
import { Server } from 'socket.io';
import { Calls } from './calls.mjs';

let service;
const calls = new Calls();
const server = calls.server((message) => {
  service?.emit('request', message);
  return service !== undefined;
});

new Server(server, { transports: ['websocket'] }).of('/wsData').on('connection', (socket) => {
  service = socket;
  // The library has parsed it.
  socket.on('answer', (message) => calls.answer(message.callId, JSON.stringify(message)));
  socket.on('disconnect', () => {
    if (service === socket) service = undefined;
  });
});
server.listen(Number(process.argv[2]), '127.0.0.1');
