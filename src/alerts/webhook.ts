// An alert as JSON, for whatever takes it.

import type { Alert } from '../alerts.ts'
import type { AlertMessage } from './post.ts'

/** @param options `at`: wall clock, milliseconds, when it happened; `token: null`: it asks for none. */
export function webhookMessage(
  url: string,
  alert: Alert,
  options: { readonly at: number; readonly token: string | null },
): AlertMessage {
  const { id, level, title, text, vm } = alert
  const headers: { [name: string]: string; authorization?: string } = {
    'content-type': 'application/json',
  }
  if (options.token !== null) headers.authorization = `Bearer ${options.token}`
  const time = new Date(options.at).toISOString()
  const body = JSON.stringify({ source: 'gatehouse', id, level, title, text, vm: vm ?? null, time })
  return { url, headers, body }
}
