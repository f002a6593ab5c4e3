// Ours with people in it: a private host, somebody who is signed in, and every way to sign in, GitHub's own included.

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openStoreIn } from '../../src/store/sqlite-store.ts'
import { createAuthenticator, type SoftAuthenticator } from '../../test/fixtures/authenticator.ts'
import { type FakeGithub, startGithub } from '../../test/fixtures/github.ts'
import { githubLogin, signInWithGithub } from '../../test/fixtures/github-person.ts'
import { addPeople, cookieOf, type KnownPerson } from '../../test/fixtures/people.ts'
import { createPerson, type Page, type Person } from '../../test/fixtures/person.ts'
import { signInWithPasskey, signInWithPassword } from '../../test/fixtures/sign-in.ts'
import { type Contestant, startRelease } from '../contestants.ts'
import { host, type Place, peopleDomain } from './place.ts'

/** The same backend as behind the public host, for whoever is signed in. */
export const privateHost = `app.${peopleDomain}`

export interface House {
  readonly contestant: Contestant
  /** The cookie of somebody who is signed in. */
  readonly cookie: string
  /** Signs in once by each way, as people do, and uses what they get. Throws when one of them does not work. */
  signInByEveryWay(port: number): Promise<void>
  close(): Promise<void>
}

/** Each has a database of its own. */
let houses = 0

export async function openHouse(place: Place): Promise<House> {
  const github = await startGithub()
  github.addAccount({ id: 583231, login: 'octocat', name: 'The Octocat', twoFactor: true })
  github.visitor = 583231
  const authenticator = createAuthenticator()
  houses += 1
  const name = `ours-with-people-${houses}`
  const dataDir = join(place.directory, name, 'data')
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const diego = await addDiego(dataDir, authenticator)
  const release = {
    name,
    table: tableFor(place, github),
    env: { GATEHOUSE_SECRET_GITHUB_CLIENT_SECRET: github.clientSecret },
  }
  return {
    contestant: {
      name: 'ours',
      http2: true,
      webSocket: true,
      startOnly: false,
      version: () => 'this tree',
      start: () => startRelease(place, release),
    },
    cookie: cookieOf(diego),
    signInByEveryWay: (port) =>
      signInByEveryWay({ https: port, ca: { certPem: place.caPem } }, { diego, authenticator }),
    close: () => github.close(),
  }
}

/** As the other table of ours; this machine is a trusted proxy, so that a load client can be many visitors. */
function tableFor(place: Place, github: FakeGithub): string {
  const to = `http://127.0.0.1:${place.backendPort}`
  return `version: 1
domain: ${peopleDomain}
trustedProxies: [127.0.0.1/32]
login: ${githubLogin(github, 'users: [octocat]')}
limits:
  flood: { perSecond: 1000000, burst: 1000000 }
  classes:
    general: { perSecond: 1000000, burst: 1000000 }
    login: { perSecond: 1000000, burst: 1000000 }
routes:
  - host: ${host}
    to: ${to}
    access: public
    prefix: true
    webSocket: true
    maxBody: unlimited
    sharesUpstreamWith: [app/]
  - host: app
    to: ${to}
    access: login
    webSocket: true
    maxBody: unlimited
  - { host: auth, to: login, access: public }
`
}

async function addDiego(dataDir: string, authenticator: SoftAuthenticator): Promise<KnownPerson> {
  const quiet = () => {}
  const log = { warn: quiet, error: quiet }
  const store = await openStoreIn({ dataDir, secret: () => null, log, busyMs: 1000 })
  const relyingParty = `auth.${peopleDomain}`
  const person = {
    id: 'diego',
    groups: ['family'],
    password: 'correct horse battery',
    totp: true,
    recoveryCodes: true,
    authenticator,
    tokens: [{ label: 'program' }],
    session: { remember: true },
  }
  const known = await addPeople(store, [person], { relyingParty, at: Date.now() })
  await store.close()
  const diego = known.get('diego')
  if (diego === undefined) throw new Error('nobody was added')
  return diego
}

async function signInByEveryWay(
  town: Parameters<typeof createPerson>[0],
  who: { readonly diego: KnownPerson; readonly authenticator: SoftAuthenticator },
): Promise<void> {
  const { diego, authenticator } = who
  const at = `https://${privateHost}/small`
  const byPassword = createPerson(town)
  // A code works once; one minute further on there is another, and the second start is within it.
  mustArrive(await signInWithPassword(byPassword, diego, { at, now: nextCodeTime() }), at)
  const byPasskey = createPerson(town)
  const { to, text } = await signInWithPasskey(byPasskey, authenticator, { at })
  if (to !== at) throw new Error(`no sign-in by passkey: ${text}`)
  const byGithub = createPerson(town)
  mustArrive(
    await signInWithGithub(byGithub, {
      at: `https://auth.${peopleDomain}/?rd=${encodeURIComponent(at)}`,
    }),
    at,
  )
  const program = { headers: { authorization: `Bearer ${diego.tokens.program}` } }
  await mustAnswer(createPerson(town), at, program)
  for (const person of [byPassword, byPasskey, byGithub]) {
    await mustAnswer(person, at)
    await mustAnswer(person, `https://auth.${peopleDomain}/account`)
  }
  await mustAnswer(createPerson(town), `https://auth.${peopleDomain}/.well-known/jwks.json`)
}

let codesUsed = -1

/** Codes of the step before, of now and of the next one are taken; each of them once, and none after a later one. */
function nextCodeTime(): number {
  codesUsed += 1
  return Date.now() + (codesUsed - 1) * 30_000
}

function mustArrive(page: Page, at: string): void {
  if (page.url !== at || page.status !== 200) {
    throw new Error(`signing in ended at ${page.url} (${page.status}): ${page.words.slice(0, 200)}`)
  }
}

async function mustAnswer(person: Person, url: string, asked = {}): Promise<void> {
  const { status } = await person.request(url, asked)
  if (status !== 200) throw new Error(`${url} answers ${status}`)
}
