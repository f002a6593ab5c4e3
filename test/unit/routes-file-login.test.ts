// `login:` in routes.yaml: sessions, passkeys, GitHub.

import t from 'tap'
import type { LoginSettings } from '../../src/model.ts'
import { formatProblem } from '../../src/routes-file/problem.ts'
import { readTable } from '../../src/routes-file/read.ts'
import { tableText } from '../fixtures/table-text.ts'

function codes(login: string): readonly string[] {
  const { problems } = readTable(tableText([], [`login: ${login}`]))
  return problems.map((p) => `${p.severity} ${p.code} ${p.where}`)
}

function settings(login: string): LoginSettings {
  const { definition, problems } = readTable(tableText([], [`login: ${login}`]))
  if (definition === null) throw new Error(problems.map((p) => formatProblem('t', p)).join('\n'))
  return definition.login
}

const hour = 3_600_000
const day = 24 * hour

t.test('what the file does not say has a safe value', (t) => {
  const expected = {
    sessions: {
      idleMs: day,
      absoluteMs: 7 * day,
      rememberIdleMs: 30 * day,
      rememberAbsoluteMs: 90 * day,
    },
    recentMs: 600_000,
    relyingParty: 'auth.example.com',
    dangerouslyAbandonPasskeys: false,
    github: null,
  }
  t.strictSame(readTable(tableText([])).definition?.login, expected)
  t.strictSame(settings('{ host: auth }'), expected)
  t.end()
})

t.test('sessions live as long as the file says, within reason', (t) => {
  t.match(settings('{ sessions: { idle: 30m, absolute: 12h, rememberIdle: 7d }, recent: 5m }'), {
    sessions: { idleMs: 1_800_000, absoluteMs: 12 * hour, rememberIdleMs: 7 * day },
    recentMs: 300_000,
  })
  t.strictSame(
    codes('{ sessions: { idle: 10s, absolute: 500d, rememberIdle: 91d }, recent: 2d }'),
    [
      'error out-of-range login.sessions.idle',
      'error out-of-range login.sessions.absolute',
      'error out-of-range login.sessions.rememberIdle',
      'error out-of-range login.recent',
    ],
  )
  t.strictSame(codes('{ sessions: { absolute: 8h } }'), [
    'error out-of-range login.sessions.absolute',
  ])
  t.strictSame(codes('{ sessions: { idel: 1h, idle: soon } }'), [
    'error unknown-key login.sessions.idel',
    'error shape login.sessions.idle',
  ])
  t.end()
})

t.test('passkeys are for the login host or a parent of it under the domain', (t) => {
  const party = (text: string) => settings(`{ passkeys: { relyingParty: ${text} } }`).relyingParty
  t.equal(party('auth'), 'auth.example.com')
  t.equal(party('example.com'), 'example.com')
  t.equal(party("'@'"), 'example.com')
  for (const text of ['com', 'other', 'xample.com', 'x.auth.example.com', 'example.org', '"a b"']) {
    t.strictSame(
      codes(`{ passkeys: { relyingParty: ${text} } }`),
      ['error relying-party login.passkeys.relyingParty'],
      text,
    )
  }
  t.equal(
    settings('{ passkeys: { dangerouslyAbandonOthers: true } }').dangerouslyAbandonPasskeys,
    true,
  )
  t.end()
})

t.test('GitHub has the usual addresses, and a list of who may enter', (t) => {
  t.strictSame(settings('{ github: { clientId: Iv1.abc, users: [Octocat, 583231] } }').github, {
    clientId: 'Iv1.abc',
    clientSecret: 'GITHUB_CLIENT_SECRET',
    organisationToken: null,
    url: 'https://github.com',
    apiUrl: 'https://api.github.com',
    callbackPath: '/provider/github/callback',
    users: [
      { account: 'octocat', as: null },
      { account: '583231', as: null },
    ],
    organisations: [],
    teams: [],
    groups: [],
    recheckMs: hour,
  })
  t.match(
    settings(
      `{ github: {
          clientId: x, clientSecret: { secret: OTHER }, organisationToken: { secret: ORG_TOKEN },
          users: [{ account: octocat, as: diego }, { account: 7 }],
          organisations: [Octo-Org], teams: [Octo-Org/Admins], groups: [family],
          url: "https://git.example.org/", callbackPath: /oauth2/callback, recheck: 30m } }`.replaceAll(
        /\s+/g,
        ' ',
      ),
    ).github,
    {
      clientSecret: 'OTHER',
      organisationToken: 'ORG_TOKEN',
      users: [
        { account: 'octocat', as: 'diego' },
        { account: '7', as: null },
      ],
      organisations: ['octo-org'],
      teams: ['octo-org/admins'],
      groups: ['family'],
      url: 'https://git.example.org',
      apiUrl: 'https://git.example.org/api/v3',
      callbackPath: '/oauth2/callback',
      recheckMs: 1_800_000,
    },
  )
  t.end()
})

t.test('the API of another GitHub is found by itself', (t) => {
  const api = (text: string) =>
    settings(`{ github: { clientId: x, users: [a], ${text} } }`).github?.apiUrl
  t.equal(api('url: "https://octo.ghe.com"'), 'https://api.octo.ghe.com')
  t.equal(api('url: "http://127.0.0.1:8090"'), 'http://127.0.0.1:8090/api/v3')
  t.equal(api('url: "http://localhost:1", api: "http://[::1]:2/x/"'), 'http://[::1]:2/x')
  t.end()
})

/** Problems of a github section that is right but for this. */
function githubCodes(text: string): readonly string[] {
  const users = /\b(users|teams|organisations):/.test(text) ? '' : 'users: [a], '
  return codes(`{ github: { clientId: x, ${users}${text} } }`).map((line) =>
    line.replace('login.github', '…'),
  )
}

t.test('GitHub without anybody who may enter is a mistake', (t) => {
  t.strictSame(codes('{ github: { clientId: x } }'), ['error github-nobody login.github.users'])
  t.strictSame(githubCodes('users: [], teams: []'), ['error github-nobody ….users'])
  t.strictSame(codes('{ github: { users: [a] } }'), ['error missing login.github.clientId'])
  t.end()
})

t.test('plain HTTP to GitHub is for this machine alone', (t) => {
  for (const text of [
    'url: "http://github.com"',
    'url: "http://10.0.0.9"',
    'url: "http://localhost.example.com"',
    'url: "https://github.com/x"',
    'url: "https://a@github.com"',
    'url: "https://github.com?x"',
    'url: github.com',
    'url: "ftp://github.com"',
    'url: "https://"',
    'url: "https://a..b"',
  ]) {
    t.strictSame(githubCodes(text), ['error github ….url'], text)
  }
  t.strictSame(githubCodes('api: "http://api.github.com"'), ['error github ….api'])
  t.end()
})

t.test('the way back from GitHub hides no page of the login host', (t) => {
  for (const path of [
    '/',
    '/password',
    '/account/github',
    '/enrol/x',
    '/provider/github',
    '/provider/github/callback/x',
    '/Sign-Out',
    '/assets/x',
    '/.well-known/x',
    '/account/',
  ]) {
    t.strictSame(
      githubCodes(`callbackPath: ${path}`),
      ['error github-callback ….callbackPath'],
      path,
    )
  }
  t.strictSame(githubCodes('callbackPath: /.gatehouse/x'), ['error path-reserved ….callbackPath'])
  t.strictSame(githubCodes('callbackPath: /a%2fb'), ['error path-invalid ….callbackPath'])
  t.strictSame(githubCodes('callbackPath: oauth2'), ['error path-invalid ….callbackPath'])
  for (const path of ['/oauth2/callback', '/provider/github/callback', '/accounts/x']) {
    t.strictSame(githubCodes(`callbackPath: ${path}`), [], path)
  }
  t.end()
})

t.test('names that GitHub cannot have are told, each at its place', (t) => {
  t.strictSame(githubCodes('users: [octocat, -1]'), ['error shape ….users[1]'])
  t.strictSame(
    githubCodes(
      'users: ["@octocat", octocat, Octocat, { account: b, as: B }], organisations: ["a/b"], teams: [octo-org], groups: ["a b"], recheck: 1m',
    ),
    [
      'error github ….users[0]',
      'error duplicate-key ….users[2]',
      'error access-name ….users[3].as',
      'error github ….organisations[0]',
      'error github ….teams[0]',
      'error access-name ….groups[0]',
      'error out-of-range ….recheck',
    ],
  )
  t.end()
})

t.test('a secret that was written into the file is refused, and not repeated', (t) => {
  const secret = 'ab12cd34ef56ab12cd34ef56ab12cd34ef56ab12'
  for (const text of [
    `clientSecret: ${secret}`,
    `clientSecret: { secret: ${secret} }`,
    `organisationToken: ghp_${secret}`,
    `organisationToken: { secret: ghp_${secret} }`,
    `clientSecret: { value: { secret: "${secret}!" } }`,
  ]) {
    const { problems } = readTable(
      tableText([], [`login: { github: { clientId: x, users: [a], ${text} } }`]),
    )
    t.ok(problems.length > 0, text)
    t.notMatch(JSON.stringify(problems), secret.slice(0, 12))
  }
  t.end()
})
