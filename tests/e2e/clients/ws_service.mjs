// A service on npm's `ws`. Usage: ws_service.mjs URL HEADER FILE
import WebSocket from 'ws'
import { answers, tell } from './answers.mjs'

const [url, header, file] = process.argv.slice(2)
const [name, value] = header.split(': ')
let offered
function finishRequest(request) {
  offered = request.getHeader('Sec-WebSocket-Extensions')
  request.end()
}
const socket = new WebSocket(url, { headers: { [name]: value }, finishRequest })
socket.on('open', () => tell('open', { offered, accepted: socket.extensions }))
socket.on('message', (data) => { for (const answer of answers(data.toString(), file)) socket.send(answer) })
socket.on('close', (code) => tell('close', { code }))
