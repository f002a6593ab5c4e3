// A short text from an address of ours to know, such as a list of networks.

import { get } from 'node:https'

const limitMs = 10_000
/** Lists are a few kilobytes; what is longer is none. */
const maxLength = 65_536

/** Not `fetch`: its first use loads 10 MB that stay. Follows no redirect. */
export function fetchText(url: string): Promise<string> {
  return new Promise((resolvePromise, reject) => {
    const request = get(url, { timeout: limitMs }, (response) => {
      if (response.statusCode !== 200) {
        response.resume()
        reject(new Error(`status ${response.statusCode}`))
        return
      }
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => {
        text += chunk
        if (text.length > maxLength) request.destroy(new Error('longer than a list is'))
      })
      response.on('end', () => resolvePromise(text))
      response.on('error', reject)
    })
    request.on('timeout', () => request.destroy(new Error('timed out')))
    request.on('error', reject)
  })
}
