// An alert as ntfy takes it: the text as body, the rest in headers.

import type { Alert } from '../alerts.ts'
import type { AlertMessage } from './post.ts'

const looks = {
  info: { priority: '3', tags: 'information_source' },
  warn: { priority: '4', tags: 'warning' },
  critical: { priority: '5', tags: 'rotating_light' },
} as const

/** @param url of the topic. @param token `null`: the topic asks for none. */
export function ntfyMessage(url: string, alert: Alert, token: string | null): AlertMessage {
  const { priority, tags } = looks[alert.level]
  const headers: { [name: string]: string; authorization?: string } = {
    title: encodedWord(alert.title),
    priority,
    tags,
    'content-type': 'text/plain; charset=utf-8',
  }
  if (token !== null) headers.authorization = `Bearer ${token}`
  return { url, headers, body: alert.text }
}

/** Headers are ASCII; ntfy reads what RFC 2047 §2 makes of the rest. */
function encodedWord(text: string): string {
  if (/^[\x20-\x7e]*$/.test(text)) return text
  return `=?UTF-8?B?${Buffer.from(text).toString('base64')}?=`
}
