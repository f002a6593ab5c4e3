// What each header name means to a proxy. Pure tables; the hot path looks names up here. Hot path.

/** What to do with a request header. Numbers, because one lookup per header is made. */
export const requestKind = {
  pass: 0,
  /** Hop-by-hop, or framing that the client library writes itself (RFC 9110 §7.6.1). */
  drop: 1,
  /** Would be believed as identity or as a proxy's word if it came from the client. */
  identity: 2,
  host: 3,
  contentLength: 4,
  transferEncoding: 5,
  connection: 6,
  te: 7,
  expect: 8,
  cookie: 9,
  origin: 10,
  fetchSite: 11,
  accept: 12,
  via: 13,
  maxForwards: 14,
  cfConnectingIp: 15,
  forwardedFor: 16,
  contentType: 17,
  upgrade: 18,
  webSocketKey: 19,
  webSocketVersion: 20,
  /** Only Cloudflare may say this. */
  cloudflare: 21,
  authorization: 22,
  fetchMode: 23,
  earlyData: 24,
  /** A token of ours for programs. */
  token: 25,
  referer: 26,
  /** Holds addresses of this host, which a backend acts upon. */
  address: 27,
} as const

export type RequestKind = (typeof requestKind)[keyof typeof requestKind]

const requestKinds = new Map<string, RequestKind>()
const {
  pass,
  drop,
  identity,
  contentType,
  host,
  contentLength,
  transferEncoding,
  connection,
  te,
  expect,
  cookie,
  origin,
  fetchSite,
  fetchMode,
  accept,
  via,
  maxForwards,
  cfConnectingIp,
  forwardedFor,
  upgrade,
  webSocketKey,
  webSocketVersion,
  cloudflare,
  authorization,
  earlyData,
  token,
  referer,
  address,
} = requestKind

const named: readonly (readonly [RequestKind, readonly string[]])[] = [
  // Browsers and programs send these all day: known names skip the slow way below.
  [
    pass,
    [
      'Accept-Encoding',
      'Accept-Language',
      'Access-Control-Request-Headers',
      'Access-Control-Request-Method',
      'Cache-Control',
      'CDN-Loop',
      'Content-Encoding',
      'Depth',
      'DNT',
      'If-Match',
      'If-Modified-Since',
      'If-None-Match',
      'If-Range',
      'If-Unmodified-Since',
      'Pragma',
      'Priority',
      'Range',
      'Sec-CH-UA',
      'Sec-CH-UA-Mobile',
      'Sec-CH-UA-Platform',
      'Sec-Fetch-Dest',
      'Sec-Fetch-User',
      'Sec-GPC',
      'Sec-WebSocket-Extensions',
      'Sec-WebSocket-Protocol',
      'Upgrade-Insecure-Requests',
      'User-Agent',
      'X-Requested-With',
    ],
  ],
  // RFC 9110 §7.6.1 and §11.7; `HTTP2-Settings` starts h2c (RFC 7540 §3.2.1), `Trailer` announces what is dropped.
  [
    drop,
    [
      'Keep-Alive',
      'Proxy-Connection',
      'Proxy-Authenticate',
      'Proxy-Authorization',
      'Trailer',
      'HTTP2-Settings',
      // RFC 2965, long dead: a second place where a client's cookies could stand.
      'Cookie2',
      // No header of HTTP: CGI turns it into HTTP_PROXY, which programs believe (httpoxy, CVE-2016-5385).
      'Proxy',
    ],
  ],
  [
    identity,
    [
      'Client-IP',
      'Fastly-Client-IP',
      'Fly-Client-IP',
      'Forwarded',
      'Forwarded-For',
      'Front-End-Https',
      'True-Client-IP',
      'X-Client-IP',
      'X-Cluster-Client-IP',
      'X-Forward-For',
      'X-Forward-Proto',
      'X-Forwarded',
      'X-Host',
      'X-HTTP-Method',
      'X-HTTP-Method-Override',
      'X-Method-Override',
      'X-Originating-IP',
      'X-Proxy-User',
      'X-ProxyUser-IP',
      'X-Real-IP',
      'X-Request-ID',
      'X-Rewrite-URL',
      'X-Scheme',
      'X-Script-Name',
      'X-Url-Scheme',
      'X-User',
      'X-Username',
      'X-Userinfo',
    ],
  ],
  [contentType, ['Content-Type']],
  [host, ['Host']],
  [contentLength, ['Content-Length']],
  [transferEncoding, ['Transfer-Encoding']],
  [connection, ['Connection']],
  [te, ['TE']],
  [expect, ['Expect']],
  [cookie, ['Cookie']],
  [origin, ['Origin']],
  [fetchSite, ['Sec-Fetch-Site']],
  [fetchMode, ['Sec-Fetch-Mode']],
  [accept, ['Accept']],
  [via, ['Via']],
  [maxForwards, ['Max-Forwards']],
  [cfConnectingIp, ['CF-Connecting-IP']],
  [forwardedFor, ['X-Forwarded-For']],
  [upgrade, ['Upgrade']],
  [webSocketKey, ['Sec-WebSocket-Key']],
  [webSocketVersion, ['Sec-WebSocket-Version']],
  [cloudflare, ['CF-Ray', 'CF-IPCountry', 'CF-Visitor', 'CF-Worker', 'CF-EW-Via']],
  [authorization, ['Authorization']],
  [earlyData, ['Early-Data']],
  [token, ['X-Gatehouse-Token']],
  [referer, ['Referer']],
  // RFC 4918 §10.3, §10.4: WebDAV says where to move something by a whole address.
  [address, ['Destination', 'If']],
]
for (const [kind, names] of named) {
  for (const name of names) {
    requestKinds.set(name, kind)
    requestKinds.set(name.toLowerCase(), kind)
  }
}

/** Families of names that identify people or describe the connection to some proxy or application. */
const identityPrefixes: readonly string[] = [
  'remote-',
  'x-remote-',
  'x-forwarded-',
  'x-original-',
  'x-auth-',
  'x-authenticated-',
  'x-authentik-',
  'x-authelia-',
  'x-pomerium-',
  'x-webauth-',
  'x-user-',
  'x-gatehouse-',
  'x-ssl-',
  'x-client-cert',
  'x-envoy-',
  'x-amzn-oidc-',
  'x-goog-authenticated-',
  'x-ms-client-principal',
  'ssl-client-',
]

/** Members of those families that applications use for their own tokens: nobody takes them for a proxy's word. */
const applicationNames = new Set(['x-auth-token', 'x-user-agent', 'x-user-id'])

/**
 * What a request header means. Names are compared without regard to case.
 *
 * @returns `null` for a name with characters outside `[A-Za-z0-9-]`: such a name is read as another name by
 *   some servers (`Remote_User`, `X.Forwarded.For`), so it is dropped.
 */
export function requestHeaderKind(name: string): RequestKind | null {
  const known = requestKinds.get(name)
  return known === undefined ? unusualKind(name) : known
}

function unusualKind(name: string): RequestKind | null {
  if (!isPlainName(name)) return null
  const lower = name.toLowerCase()
  const known = requestKinds.get(lower)
  if (known !== undefined) return known
  const first = lower.charCodeAt(0)
  // c, r, s, x: the families above.
  if (first === 0x78 || first === 0x72 || first === 0x73 || first === 0x63) {
    if (lower.startsWith('cf-')) return cloudflare
    for (const prefix of identityPrefixes) {
      if (lower.startsWith(prefix)) return applicationNames.has(lower) ? pass : identity
    }
  }
  return pass
}

function isPlainName(name: string): boolean {
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i)
    const letter = (c | 0x20) >= 0x61 && (c | 0x20) <= 0x7a
    if (!letter && c !== 0x2d && !(c >= 0x30 && c <= 0x39)) return false
  }
  return name.length > 0
}

/** What to do with a response header; names come in lower case from the client library. */
export const responseKind = {
  pass: 0,
  drop: 1,
  connection: 2,
  contentLength: 3,
  transferEncoding: 4,
  setCookie: 5,
  clearSiteData: 6,
} as const

/** Response headers that end at this hop (RFC 9110 §7.6.1), or that are looked into. */
const responseKinds = new Map<string, number>([
  ['connection', responseKind.connection],
  ['content-length', responseKind.contentLength],
  ['transfer-encoding', responseKind.transferEncoding],
  ['keep-alive', responseKind.drop],
  ['proxy-connection', responseKind.drop],
  ['proxy-authenticate', responseKind.drop],
  ['proxy-authentication-info', responseKind.drop],
  ['set-cookie', responseKind.setCookie],
  ['clear-site-data', responseKind.clearSiteData],
  ['te', responseKind.drop],
  ['trailer', responseKind.drop],
  ['upgrade', responseKind.drop],
  ['http2-settings', responseKind.drop],
  // Ours names the exchange in the log; a second one would be a second name.
  ['x-request-id', responseKind.drop],
])

export function responseHeaderKind(name: string): number {
  return responseKinds.get(name) ?? responseKind.pass
}

/**
 * Whether a trailer field may be passed on: nothing that frames, routes, authenticates or controls
 * (RFC 9110 §6.5.1).
 */
export function isTrailerAllowed(name: string): boolean {
  if (responseKinds.has(name)) return false
  switch (name) {
    case 'host':
    case 'content-type':
    case 'content-encoding':
    case 'content-range':
    case 'cache-control':
    case 'authorization':
    case 'location':
    case 'www-authenticate':
    case 'retry-after':
    case 'vary':
    case 'age':
    case 'expires':
    case 'date':
      return false
    default:
      return true
  }
}
