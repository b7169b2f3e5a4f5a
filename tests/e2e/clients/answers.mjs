// What every service here answers, whatever library carries it, and how it tells what happens to it: answers.py in
// JavaScript.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { deflateSync } from 'node:zlib'

const partSize = 10 * 1024 * 1024
const compressAbove = 1024 * 1024
const longText = 64

const md5 = (data) => createHash('md5').update(data).digest('hex')

export const tell = (event, details) => console.log(JSON.stringify({ event, ...details }))

function headOf(request) {
  const { data, args, kwargs, ...head } = request
  return Object.fromEntries(Object.entries(head).filter(([, value]) => !(value.length > longText)))
}

function * cutParts(request, payload) {
  const numParts = Math.ceil(payload.length / partSize)
  const head = { ...headOf(request), status: 200, dataSerialization: 'bytes', fileSize: payload.length, fileHash: md5(payload), numParts }
  if (numParts > 1) head.multipart = true
  for (let partId = 1; partId <= numParts; partId++) {
    const piece = payload.subarray((partId - 1) * partSize, partId * partSize)
    const part = { ...head, partId, hash: md5(piece), dataSize: piece.length }
    if (payload.length > compressAbove) part.compressed = true
    part.data = (part.compressed ? deflateSync(piece) : piece).toString('base64')
    yield part
  }
}

// Yields the messages that answer `text`; one that is no request is told to the test and gets none.
export function * answers(text, file) {
  const request = JSON.parse(text)
  if (request.callId === undefined) return tell('message', { text })
  const methods = {
    echo: (argument) => Buffer.from(JSON.stringify(argument)),
    md5: (argument) => Buffer.from(md5(argument)),
    file: () => readFileSync(file)
  }
  for (const part of cutParts(request, methods[request.attribute](...request.args))) yield JSON.stringify(part)
}
