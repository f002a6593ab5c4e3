// What a save of routes leaves behind: one whole file whenever the gateway is killed, a change that undoes itself all the same, and
// commits in a git checkout.

import { execFile } from 'node:child_process'
import { readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { adminHost, openAdmin, program, textAt } from '../fixtures/admin-visitor.ts'
import { startGateway, testDomain } from '../fixtures/gateway.ts'
import { startGatewayProcess } from '../fixtures/gateway-process.ts'
import { random } from '../fixtures/random.ts'

const file = '/api/v1/routes/file'
const routes = '- { host: app, to: "http://127.0.0.1:9", access: public, prefix: true }'
const people = [
  {
    id: 'diego',
    displayName: 'Diego Núñez <d>',
    groups: ['admin'],
    tokens: [{ label: 'writes', scopes: ['routes:write'] }],
  },
]

t.test('killed while it saves, it leaves the old file or the new one, whole', async (t) => {
  const first = await startGatewayProcess(t, { routes, people })
  const { directory, known } = first
  const { routesFile } = first.config
  const token = known('diego').tokens.writes ?? ''
  const texts = await bothTexts(routesFile)
  let gateway = first
  let saves = 0
  const dice = random(5)
  for (let round = 0; round < 5; round++) {
    if (round > 0) gateway = await startGatewayProcess(t, { routes, directory, keepTable: true })
    const api = program(gateway, token)
    const begun = await api.call('GET', file)
    t.match(begun.json, { inForce: true, text: await readFile(routesFile, 'utf8') })
    // In the middle of a later one, however fast the machine is.
    const enough = saves + 1 + dice(3)
    let timer: NodeJS.Timeout | undefined
    let { etag } = begun
    let shown = textAt(begun, 'text')
    let next = shown
    try {
      for (;;) {
        next = shown === texts.off ? texts.on : texts.off
        if (saves === enough) timer = setTimeout(() => void gateway.kill(), dice(80))
        const saved = await api.call('PUT', file, { body: { text: next }, ifMatch: etag })
        if (saved.status !== 200) throw new Error(`${saved.status} ${saved.text}`)
        saves += 1
        etag = saved.etag
        shown = next
      }
    } catch (error) {
      t.notMatch(String(error), /^Error: \d/, 'nothing but the end of the connection')
    }
    clearTimeout(timer)
    await gateway.kill()
    const left = await readFile(routesFile, 'utf8')
    t.ok(
      left === shown || left === next,
      `what was answered, or what was under way; round ${round}`,
    )
  }
  t.ok(saves >= 5, `${saves} saves`)
  gateway = await startGatewayProcess(t, { routes, directory, keepTable: true })
  const { etag } = await program(gateway, token).call('GET', file)
  const last = { body: { text: texts.on }, ifMatch: etag }
  t.equal((await program(gateway, token).call('PUT', file, last)).status, 200)
  const beside = (await readdir(directory)).filter((name) => name.startsWith('.gatehouse-'))
  t.same(beside, [], 'what the dead left beside it is swept')
  t.equal((await stat(routesFile)).mode & 0o777, texts.mode, 'its mode stays')
})

t.test('what nobody confirmed is undone by the next start', async (t) => {
  const first = await startGatewayProcess(t, { routes, people })
  const { directory, known } = first
  const { routesFile } = first.config
  const was = await readFile(routesFile, 'utf8')
  const token = known('diego').tokens.writes ?? ''
  const api = program(first, token)
  const { etag } = await api.call('GET', file)
  const body = { text: was.replace('host: proxy', 'host: elsewhere'), confirm: adminHost }
  const saved = await api.call('PUT', file, { body, ifMatch: etag })
  t.equal(saved.status, 200, saved.text)
  t.equal((await api.call('GET', file)).status, 404)
  await first.kill()
  t.equal(await readFile(routesFile, 'utf8'), body.text)
  const second = await startGatewayProcess(t, { routes, directory, keepTable: true })
  t.match(second.said(), /routes-undone/)
  t.equal(await readFile(routesFile, 'utf8'), was, 'to the byte')
  const now = await program(second, token).call('GET', file)
  t.match(now.json, { inForce: true, pending: null }, 'and the admin is back')
  t.equal((await person(second, known)).status, 200)
})

t.test('what was confirmed stays, also when it is killed at once', async (t) => {
  const first = await startGatewayProcess(t, { routes, people })
  const { directory, known } = first
  const was = await readFile(first.config.routesFile, 'utf8')
  const admin = await openAdmin(first, 'diego')
  const { etag } = await admin.call('GET', file)
  const text = was.replace('groups: [admin]', 'groups: [admin], with: second-factor')
  const body = { text, confirm: adminHost }
  const saved = await admin.call('PUT', file, { body, ifMatch: etag })
  t.equal(saved.status, 200, saved.text)
  const token = textAt(saved, 'pending', 'token')
  const kept = await admin.call('POST', '/api/v1/routes/confirm', { body: { token } })
  t.equal(kept.status, 204)
  await first.kill()
  const second = await startGatewayProcess(t, { routes, directory, keepTable: true })
  t.equal(await readFile(first.config.routesFile, 'utf8'), text)
  t.notMatch(second.said(), /routes-undone/)
  t.equal((await person(second, known)).status, 200)
})

t.test('in a git checkout a save is a commit by whoever saved, of that file alone', async (t) => {
  const gateway = await startGateway({ routes, people, undoMs: 300 })
  t.teardown(() => gateway.close())
  const { directory, routesFile } = gateway
  const git = async (...words: string[]) =>
    (await promisify(execFile)('git', words, { cwd: directory })).stdout.trim()
  await git('init', '--quiet')
  await writeFile(join(directory, 'notes'), 'staged, and nobody’s business here\n')
  await git('add', 'routes.yaml', 'notes')
  const me = ['-c', 'user.name=Hand', '-c', 'user.email=hand@example.com']
  await git(...me, 'commit', '--quiet', '--message', 'by hand', '--', 'routes.yaml')
  // A hook that would run as the gateway.
  const hook = join(directory, '.git/hooks/pre-commit')
  await writeFile(hook, `#!/bin/sh\ntouch ${join(directory, 'ran')}\nexit 1\n`, { mode: 0o755 })
  const admin = await openAdmin(gateway, 'diego')
  const read = await admin.call('GET', file)
  const key = '/api/v1/routes/app~1/disable'
  const body = { note: 'while I repair it' }
  const off = await admin.call('POST', key, { body, ifMatch: read.etag })
  t.equal(off.status, 200, off.text)
  t.equal(await git('log', '-1', '--format=%ae'), `diego@${testDomain}`)
  t.match(await git('log', '-1', '--format=%an'), /^Diego Núñez/)
  t.match(await git('log', '-1', '--format=%B'), /^routes: .*app[\s\S]*while I repair it/)
  t.equal(await git('show', '--name-only', '--format='), 'routes.yaml')
  t.equal(await git('show', 'HEAD:routes.yaml'), (await readFile(routesFile, 'utf8')).trim())
  t.match(await git('status', '--porcelain', 'notes'), /^A/, 'what else is staged stays staged')
  t.notOk((await readdir(directory)).includes('ran'), 'no hook of the checkout runs')

  await writeFile(routesFile, `${await readFile(routesFile, 'utf8')}# by hand\n`)
  const hand = await admin.call('GET', file)
  const on = await admin.call('POST', '/api/v1/routes/app~1/enable', {
    body: {},
    ifMatch: hand.etag,
  })
  t.equal(on.status, 200, on.text)
  t.same((await git('log', '-3', '--format=%ae')).split('\n'), [
    `diego@${testDomain}`,
    `gatehouse@${testDomain}`,
    `diego@${testDomain}`,
  ])
  t.equal(await git('log', '--format=%H', '--', 'routes.yaml').then(linesOf), 4)
  t.equal(await git('diff', 'HEAD~1', 'HEAD', '--stat').then(linesOf), 2, 'his change alone')
})

/** The table as it is and without its route, and the mode of its file. */
async function bothTexts(routesFile: string) {
  const on = await readFile(routesFile, 'utf8')
  // Large, so that a half-written one would be seen.
  const more = Array.from({ length: 300 }, (_, i) => `# line ${i} of a long comment\n`).join('')
  const { mode } = await stat(routesFile)
  return { on, off: `${on.replace('- { host: app', '- { host: other')}${more}`, mode: mode & 0o777 }
}

/** Somebody with both cookies at the front page of the admin. */
async function person(
  town: Parameters<typeof openAdmin>[0],
  known: Parameters<typeof openAdmin>[0]['known'],
) {
  const { person } = await openAdmin({ ...town, known }, 'diego')
  return person.visit(`https://${adminHost}/`)
}

function linesOf(text: string): number {
  return text.split('\n').length
}
