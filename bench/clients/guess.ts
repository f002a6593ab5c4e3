// Guesses passwords at a steady rate, behind a proxy that says it is always somebody else. Prints one line of JSON.
//   node bench/clients/guess.ts <port> <seconds> <a second>

import { request } from 'node:https'
import { peopleDomain } from '../lib/place.ts'

const [port = '', seconds = '3', perSecond = '50'] = process.argv.slice(2)
const login = `auth.${peopleDomain}`
const count = { sent: 0, wrong: 0, refused: 0, other: 0 }

interface Answer {
  readonly status: number
  readonly text: string
  readonly cookie: string
}

function ask(
  method: string,
  path: string,
  more: { headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const req = request(
      {
        host: '127.0.0.1',
        port,
        method,
        path,
        servername: login,
        rejectUnauthorized: false,
        headers: { host: login, accept: 'text/html', ...more.headers },
      },
      (res) => {
        let text = ''
        res.setEncoding('utf8').on('data', (part: string) => {
          text += part
        })
        res.on('end', () => {
          const [cookie = ''] = res.headers['set-cookie'] ?? []
          resolve({ status: res.statusCode ?? 0, text, cookie: cookie.split(';', 1)[0] ?? '' })
        })
      },
    )
    req.on('error', reject)
    req.end(more.body)
  })
}

const page = await ask('GET', '/')
const token = /name="_csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''

async function guess(number: number): Promise<void> {
  count.sent += 1
  const address = `203.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`
  const answer = await ask('POST', '/password', {
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      origin: `https://${login}`,
      cookie: page.cookie,
      'x-forwarded-for': address,
    },
    body: new URLSearchParams({ _csrf: token, name: `u${number}`, password: 'a guess' }).toString(),
  })
  if (answer.status === 401) count.wrong += 1
  else if (answer.status === 429) count.refused += 1
  else count.other += 1
}

const under: Promise<void>[] = []
let next = Math.floor(Math.random() * 2 ** 23)
const timer = setInterval(() => {
  next += 1
  under.push(guess(next))
}, 1000 / Number(perSecond))
await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000))
clearInterval(timer)
await Promise.all(under)
process.stdout.write(`${JSON.stringify(count)}\n`)
