// What each option of a route is for, in one sentence, and what holds when it is not written: for people at a form.

import type { RawRoute } from '../schema.ts'

export interface OptionWords {
  readonly sentence: string
  /** `null`: it must be written, or its parts have words of their own. */
  readonly otherwise: string | null
}

const words = (sentence: string, otherwise: string | null = null): OptionWords => ({
  sentence,
  otherwise,
})

/** The compiler counts them: an option of the schema without its sentence does not build. */
export const routeWords: Readonly<Record<keyof Required<RawRoute>, OptionWords>> = {
  service: words(
    'The name people read; routes of one service share it.',
    "the route's host and path",
  ),
  host: words(
    "The name in the address bar: a name under the domain, '@' for the domain itself, '*' for all names.",
  ),
  path: words('The path it answers, and all paths below if it is a prefix; the longest wins.', '/'),
  to: words(
    'Where requests go: a backend, a page of Gatehouse, another address, or a fixed answer.',
  ),
  access: words('Who may enter.', 'login: everyone who signed in'),
  prefix: words(
    'Whether it answers all paths below its own, not that path alone.',
    'no for public routes, yes for all others',
  ),
  sharesUpstreamWith: words(
    'Private routes whose backend this public route opens as well, and is known to.',
    'none',
  ),
  prefixRewrite: words(
    "What becomes of the route's path on the way to the backend.",
    'keep: it is sent on',
  ),
  maintenance: words(
    'Whether visitors read that the service is being worked on instead of seeing it; a sentence of yours says why.',
    'no',
  ),
  disabled: words(
    'Whether the route is switched off: it stays in the file, and its place answers 404.',
    'no',
  ),
  upstreamHost: words('Which host name the backend is asked for.', "keep: the visitor's"),
  requestHeaders: words('Headers that are set or taken away on the way to the backend.', 'none'),
  responseHeaders: words('Headers that are set or taken away on the way to the visitor.', 'none'),
  timeouts: words('How long the backend may take.', '5s to connect, 60s to answer, 10m of silence'),
  maxBody: words('How much one request may send.', '100MB'),
  clients: words('Which addresses may come at all, signed in or not.', 'all'),
  rateLimit: words(
    'How many requests one client may send.',
    'general; login for the login and admin pages',
  ),
  webSocket: words('Whether pages may open WebSockets here.', 'no'),
  encodedSlashes: words(
    'Whether a path may contain %2F; for backends that tell it from a slash.',
    'no',
  ),
  cloudflareOnly: words('Whether to refuse whoever did not come through Cloudflare.', 'no'),
  allowedOrigins: words(
    'Further sites whose pages may send requests that change something, and open WebSockets.',
    'none',
  ),
  networks: words(
    'Addresses that count as a person when nobody is signed in, such as those of a VPN.',
    'none',
  ),
  identityHeaders: words(
    'Under which names the backend is told who asks.',
    'authelia: Remote-User and its kin',
  ),
  parentCookies: words('Whether the backend may set cookies for the whole domain.', 'no'),
  wake: words('Which requests start a sleeping machine.', 'navigation; never for public routes'),
  countsAsUse: words(
    'Which requests keep the machine awake.',
    'auto: people, uploads, downloads and streams',
  ),
}

/** Parts of options, by their path below the route; the parts of a list and of a map by `*`. */
export const partWords: Readonly<Record<string, OptionWords>> = {
  'to.landing': words('The path people go on to after signing in.'),
  'to.redirect': words('The address visitors are sent to.'),
  'to.status': words('The status of the answer.', '302 for a redirect'),
  'to.keepPath': words('Whether the rest of the path and the query are appended.', 'no'),
  'to.message': words('What the visitor reads.', 'the usual sentence of that status'),
  'to.url': words('The address of the backend.'),
  'to.serverName': words(
    "The name in the backend's certificate.",
    "the host of the backend's address",
  ),
  'to.ca': words('A PEM file with the authority that signed it.', "the system's"),
  'to.clientCertificate': words('The certificate the gateway shows the backend.', 'none'),
  'to.clientCertificate.cert': words('A PEM file with the certificate.'),
  'to.clientCertificate.key': words('A PEM file with its key.'),
  'to.insecureSkipUpstreamTlsVerify': words(
    'Whether any certificate will do: whoever sits between can read and change everything.',
    'no',
  ),
  'access.users': words('People by their names.', 'none'),
  'access.groups': words('Everybody in these groups.', 'none'),
  'access.with': words('How strongly they must have signed in.', 'any way'),
  'access.within': words('How lately they must have signed in.', 'as long as the session lives'),
  'access.*.methods': words('The methods this rule is for.', 'every method'),
  'access.*.paths': words(
    'The paths this rule is for; ** stands for any number of segments.',
    'every path',
  ),
  'access.*.access': words('Who may enter when this rule decides.'),
  'access.*.access.users': words('People by their names.', 'none'),
  'access.*.access.groups': words('Everybody in these groups.', 'none'),
  'access.*.access.with': words('How strongly they must have signed in.', 'any way'),
  'access.*.access.within': words(
    'How lately they must have signed in.',
    'as long as the session lives',
  ),
  'prefixRewrite.replace': words("What stands there instead of the route's path."),
  'upstreamHost.fixed': words('The host name it is asked for.'),
  'requestHeaders.set': words('Headers to add or replace, each with its value.', 'none'),
  'requestHeaders.set.*.secret': words('The name of the secret that is the value.'),
  'requestHeaders.remove': words('Headers to take away.', 'none'),
  'responseHeaders.set': words('Headers to add or replace, each with its value.', 'none'),
  'responseHeaders.set.*.secret': words('The name of the secret that is the value.'),
  'responseHeaders.remove': words('Headers to take away.', 'none'),
  'timeouts.connect': words('How long connecting may take.', '5s'),
  'timeouts.headers': words("How long the answer's first line may take.", '60s'),
  'timeouts.idle': words('How long nothing may pass in either direction.', '10m'),
  'clients.allow': words('Only these may come.', 'everyone'),
  'clients.deny': words('These may not; looked at first.', 'nobody'),
  'rateLimit.perSecond': words('Requests a second.'),
  'rateLimit.burst': words('Requests at once.'),
  'networks.*.cidr': words('The network.'),
  'networks.*.as': words('The user that its addresses count as.'),
  'networks.*.wake': words('Whether they may start a sleeping machine.', 'no'),
  'identityHeaders.user': words('The header with the user name.', 'Remote-User'),
  'identityHeaders.name': words('The header with the display name.', 'Remote-Name'),
  'identityHeaders.email': words('The header with the e-mail address.', 'Remote-Email'),
  'identityHeaders.groups': words(
    'The header with the groups, separated by commas.',
    'Remote-Groups',
  ),
  'identityHeaders.assertion': words(
    'The header with a signed statement of all that.',
    'X-Gatehouse-Assertion',
  ),
}
