// The attack: whatever somebody sends to whatever the API describes. Requests are made from the description alone, some that fit it
// and some that do not: never a 5xx, never a success for what does not fit, never one for a stranger, and every answer is one that
// the description names.

import t, { type Test } from 'tap'
import { describeApi } from '../../src/admin/openapi.ts'
import {
  type Asked,
  adminHost,
  startAdmin,
  type TestAdmin,
  type Told,
} from '../fixtures/admin-app.ts'
import { accountCookie, sessionCookie } from '../fixtures/people.ts'
import { random } from '../fixtures/random.ts'
import {
  type Below,
  faultIn,
  fitting,
  isSchema,
  noiseText,
  spoiled,
} from '../fixtures/schema-values.ts'

interface Described {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly parameters: readonly { name: string; in: string; required: boolean; schema: unknown }[]
  readonly body: unknown
  readonly responses: Readonly<Record<string, unknown>>
}

const operations = read()

const rounds = 30

t.test('the description names every operation', (t) => {
  t.ok(operations.length > 45)
  t.equal(new Set(operations.map(({ id }) => id)).size, operations.length)
  t.end()
})

t.test('nobody who is not let in ever succeeds', async (t) => {
  const below = random(7)
  const admin = await startAdmin(t)
  const bobs = admin.login.known('bob').session
  const adas = admin.login.known('ada').session
  const weak = await admin.context.tokens.create({
    ...{ user: admin.login.known('ada').id, label: 'x', hosts: null, methods: null, paths: null },
    ...{ wake: null, scopes: ['photos'], expiresAt: null },
  })
  const credentials: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ['nothing', {}],
    ['a made-up token', { authorization: `Bearer gth_${'A'.repeat(43)}` }],
    ['a token without a scope', { authorization: `Bearer ${weak.text}` }],
    [
      'made-up cookies',
      { cookie: `${sessionCookie}=${'A'.repeat(43)}; __Host-gatehouse-admin=${'A'.repeat(43)}` },
    ],
    ['the domain’s cookie alone', { cookie: `${sessionCookie}=${adas.token}` }],
    [
      'and the login host’s',
      { cookie: `${sessionCookie}=${adas.token}; ${accountCookie}=${adas.accountToken}` },
    ],
    [
      'somebody who may not',
      { cookie: `${sessionCookie}=${bobs.token}; __Host-gatehouse-admin=${'A'.repeat(43)}` },
    ],
  ]
  for (const operation of operations) {
    for (const [what, headers] of credentials) {
      const { target, asked } = requestFor(operation, below, 'fits')
      const own = { origin: `https://${adminHost}`, 'sec-fetch-site': 'same-origin' }
      const told = await admin.ask(target, {
        ...asked,
        headers: { ...asked.headers, ...own, ...headers },
      })
      t.ok([401, 403].includes(told.status), `${operation.id}, ${what}: ${told.status}`)
    }
  }
})

t.test('what fits never fails in a way of ours, and is answered as described', async (t) => {
  const below = random(11)
  let admin = await startAdmin(t)
  let browser = await admin.browser()
  let succeeded = 0
  for (let round = 0; round < rounds; round++) {
    for (const operation of operations) {
      const { target, asked } = requestFor(operation, below, round % 4 === 3 ? 'noise' : 'fits')
      const told = await browser.fetch(target, asked)
      if (told.stream !== null) continue
      judge(t, operation, told, target)
      if (told.status < 300) succeeded += 1
      if (operation.id === 'panic' && told.status === 200) {
        admin = await startAdmin(t)
        browser = await admin.browser()
      }
    }
    await restIfNeeded(admin)
  }
  t.ok(succeeded > rounds * 10, `${succeeded} succeeded`)
  t.same(
    admin.login.logged.filter(({ level }) => level === 'error'),
    [],
  )
})

t.test('what does not fit never succeeds', async (t) => {
  const below = random(13)
  const admin = await startAdmin(t)
  const browser = await admin.browser()
  let tried = 0
  for (let round = 0; round < rounds; round++) {
    for (const operation of operations) {
      const request = requestFor(operation, below, 'spoiled')
      if (request.spoiled === null) continue
      tried += 1
      const told = await browser.fetch(request.target, request.asked)
      if (told.status >= 400 && told.status < 500) continue
      t.fail(`${operation.id}: ${told.status}`, {
        spoiled: request.spoiled,
        target: request.target,
      })
    }
  }
  t.ok(tried > rounds * 20, `${tried} tried`)
  t.same(
    admin.login.logged.filter(({ level }) => level === 'error'),
    [],
  )
})

t.test('bytes that are nothing at all', async (t) => {
  const below = random(17)
  const admin = await startAdmin(t)
  const browser = await admin.browser()
  await browser.csrf()
  for (let i = 0; i < 1500; i++) {
    const operation = operations[below(operations.length)]
    if (operation === undefined) continue
    const { target } = requestFor(operation, below, 'noise')
    const method =
      ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'get', ''][below(10)] ??
      ''
    const body = Buffer.from(Array.from({ length: below(40) }, () => below(256)))
    const type =
      ['application/json', 'application/json;charset=x', 'text/plain', 'x', ''][below(5)] ?? ''
    const told = await browser.fetch(target, {
      method,
      body,
      headers: {
        'content-type': type,
        'if-match': noiseText(below).replaceAll(/[^\x20-\x7e]/g, ''),
      },
    })
    if (told.stream !== null) continue
    if (told.status >= 500) t.fail(`${method} ${target}: ${told.status} ${told.text}`)
  }
  t.same(
    admin.login.logged.filter(({ level }) => level === 'error'),
    [],
  )
})

function judge(t: Test, operation: Described, told: Told, target: string): void {
  const described = operation.responses[String(told.status)]
  if (told.status >= 500) t.fail(`${operation.id}: ${told.status} ${told.text}`, { target })
  else if (!isSchema(described))
    t.fail(`${operation.id}: ${told.status} is not described`, { target, told })
  else {
    const { content } = described
    if (!isSchema(content)) {
      if (told.text !== '') t.fail(`${operation.id}: ${told.status} has a body`)
      return
    }
    const type = told.headers['content-type']?.split(';', 1)[0] ?? ''
    const of = content[type]
    if (!isSchema(of)) t.fail(`${operation.id}: ${type} is not described`)
    else if (type === 'application/json') {
      const fault = faultIn(of.schema, told.json, operation.id)
      if (fault !== null) t.fail(`reply: ${fault}`, { told: told.json })
    }
  }
}

/** The people of the test stay: what removes them would leave the rest with nothing to find. */
async function restIfNeeded({ login, context }: TestAdmin): Promise<void> {
  for (const id of ['bob', 'cleo']) {
    const user = { id, displayName: id, email: null, groups: [], disabled: false }
    const known = login.known(id)
    if ((await login.store.users.user(known.id)) !== null) continue
    const record = { ...user, id: known.id, handle: `${id}-${login.now()}`, createdAt: 0 }
    await login.store.users.addUser({ ...record, lastSignInAt: null })
  }
  await context.peopleChanged()
}

function requestFor(
  operation: Described,
  below: Below,
  how: 'fits' | 'noise' | 'spoiled',
): {
  readonly target: string
  readonly asked: Asked & { json?: unknown }
  readonly spoiled: unknown
} {
  const { method, parameters, body } = operation
  let wrong: unknown = null
  let path = operation.path
  const query: string[] = []
  for (const { name, in: place, schema, required } of parameters) {
    const known = place === 'path' ? (namesIn(path, name) ?? []) : []
    const value =
      how === 'noise'
        ? noiseText(below)
        : known.length > 0 && below(4) > 0
          ? known[below(known.length)]
          : (fitting(schema, below) ?? 'x')
    const text = encodeURIComponent(String(value).toWellFormed() || '-')
    if (place === 'path') path = path.replace(`{${name}}`, text)
    else if (place === 'query' && (required || below(2) === 0)) query.push(`${name}=${text}`)
  }
  const headers: Record<string, string> = {}
  if (parameters.some(({ name }) => name === 'If-Match')) {
    if (how !== 'noise' || below(2) === 0) headers['if-match'] = '*'
  }
  let json: unknown
  if (body !== undefined) {
    json = how === 'noise' && below(3) === 0 ? noiseText(below) : fitting(body, below)
    if (how === 'spoiled') {
      json = spoiled(body, below)
      wrong = json ?? null
    }
  } else if (how === 'spoiled') {
    query.push('surplus=1')
    wrong = 'surplus=1'
  }
  const target = query.length === 0 ? path : `${path}?${query.join('&')}`
  const asked = { method, headers, ...(json === undefined ? {} : { json }) }
  return { target, asked, spoiled: wrong }
}

/** What there is, so that most requests reach something. */
function namesIn(path: string, name: string): readonly string[] | null {
  if (path.startsWith('/api/v1/users/') && name === 'id') return ['ada', 'bob', 'cleo', 'x']
  if (path.startsWith('/api/v1/users/') && name === 'credential') return ['-']
  if (path.startsWith('/api/v1/vms/')) return ['oci-p-flex_1']
  if (path.includes('/history/')) return ['v1', 'v2']
  if (path.startsWith('/api/v1/routes/') && name === 'key') {
    return ['git.login-test.example~1git', 'cloud.login-test.example~1']
  }
  if (path.startsWith('/api/v1/bans/')) return ['203.0.113.9', '2001:db8:1:2::~164']
  return null
}

function read(): readonly Described[] {
  const found: Described[] = []
  for (const [path, methods] of Object.entries(describeApi('1.2.3').paths)) {
    for (const [method, of] of Object.entries(methods)) {
      const { operationId, parameters, requestBody, responses } = of
      const content =
        isSchema(requestBody) && isSchema(requestBody.content) ? requestBody.content : {}
      const json = content['application/json']
      found.push({
        id: String(operationId),
        method: method.toUpperCase(),
        path,
        parameters: (Array.isArray(parameters) ? parameters : []).map(
          (each: Record<string, unknown>) => ({
            name: String(each.name),
            in: String(each.in),
            required: each.required === true,
            schema: each.schema,
          }),
        ),
        body: isSchema(json) ? json.schema : undefined,
        responses: isSchema(responses) ? responses : {},
      })
    }
  }
  return found
}
