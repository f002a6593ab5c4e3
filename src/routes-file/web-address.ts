// Addresses of other services that Gatehouse itself asks or tells: an API, a place for alerts.

import { isIPv4 } from 'node:net'
import { hostFault } from './upstream.ts'

/** Who may be spoken to in plain HTTP, and whether a path belongs to the address. */
export interface AddressRules {
  readonly path: 'none' | 'any'
}

/** What is wrong with an address; the words hold nothing of it, for it may hold a secret. */
export interface AddressFault {
  readonly what: string
  readonly remedy: string
}

/** @returns `null` when nothing is wrong. */
export function addressFault(text: string, rules: AddressRules): AddressFault | null {
  const form =
    /^(https?):\/\/(?:([^/?#@\s]*)@)?(\[[^\]\s]*\]|[^:/?#@[\]\s]+)(?::(\d{1,5}))?([/?#]\S*)?$/i.exec(
      text,
    )
  if (form === null || !URL.canParse(text)) {
    return { what: 'is no address', remedy: 'write https://host, and what follows after it' }
  }
  const [, scheme = '', user, bracketed = '', , path = ''] = form
  if (user !== undefined) {
    return {
      what: 'has a user name or password in it, which logs would show',
      remedy: 'write the address without, and name a secret',
    }
  }
  const host = bracketed.replace(/^\[|\]$/g, '').toLowerCase()
  const fault = hostFault(host)
  if (fault !== null) return { what: 'leads where nothing may be sent', remedy: fault.remedy }
  if (path.includes('#') || (rules.path === 'none' && path !== '' && path !== '/')) {
    return { what: 'has more than a host', remedy: 'write https://host alone' }
  }
  if (scheme.toLowerCase() === 'https' || isLoopback(host)) return null
  return {
    what: 'is plain HTTP: others on the way could read and change what is said',
    remedy: 'write https://',
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}
