// Headless Chromium that a test steers: reads commands from stdin, one line of JSON each, and answers each with a line.
import { createInterface } from 'node:readline'
import { chromium } from 'playwright-core'

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync']
})
const patience = 30000
let page, responses, messages

const commands = {
  // A page with no cookies of earlier ones.
  async newPage() {
    await page?.context().close()
    page = await (await browser.newContext()).newPage()
    page.setDefaultTimeout(patience)
    responses = []
    messages = []
    page.on('response', (response) => responses.push([response.url(), response.status()]))
    page.on('console', (message) => messages.push(message.text()))
  },
  goto: async (url) => (await page.goto(url)).status(),
  fill: (selector, text) => page.fill(selector, text),
  async submit(selector) {
    await Promise.all([page.waitForEvent('load'), page.click(selector)])
  },
  text: (selector) => page.textContent(selector),
  url: () => page.url(),
  cookies: async () => (await page.context().cookies()).map(({ name }) => name),
  evaluate: (source) => page.evaluate(source),
  responses: () => responses,
  messages: () => messages
}

for await (const line of createInterface({ input: process.stdin })) {
  const [name, ...details] = JSON.parse(line)
  try {
    console.log(JSON.stringify({ value: await commands[name](...details) ?? null }))
  } catch (error) {
    console.log(JSON.stringify({ error: error.message }))
  }
}
await browser.close()
