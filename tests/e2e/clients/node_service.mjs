// A service on the WebSocket that Node has since version 22. Usage: node_service.mjs URL HEADER FILE
import { subscribe } from 'node:diagnostics_channel'
import { answers, tell } from './answers.mjs'

const [url, header, file] = process.argv.slice(2)
const [name, value] = header.split(': ')
let offered
subscribe('undici:client:sendHeaders', ({ headers }) => { offered = /^sec-websocket-extensions: (.*)\r$/im.exec(headers)?.[1] })
// `headers` is Node's own addition to the standard's constructor.
const socket = new WebSocket(url, { headers: { [name]: value } })
socket.onopen = () => tell('open', { offered, accepted: socket.extensions })
socket.onmessage = ({ data }) => { for (const answer of answers(data, file)) socket.send(answer) }
socket.onclose = ({ code }) => tell('close', { code })
