// The event log, and what the access log tells it.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import type { AccessEntry } from '../../src/access-line.ts'
import type { LogLevel } from '../../src/errors.ts'
import { createEventLog, createLogs, type LogSettings } from '../../src/log.ts'
import type { RequestId } from '../../src/model.ts'

const entry: AccessEntry = {
  time: 0,
  id: 'a1' as RequestId,
  client: '192.0.2.1',
  user: null,
  session: null,
  host: 'a.example',
  method: 'GET',
  path: '/',
  protocol: 'HTTP/1.1',
  status: 200,
  requestBytes: 0,
  responseBytes: 0,
  totalMs: 1,
  admitMs: 0,
  upstreamMs: 0,
  route: null,
  upstream: null,
  outcome: 'ok',
  droppedHeaders: null,
  retried: false,
}

function events(level: LogLevel) {
  const said: string[] = []
  const now = () => Date.UTC(2026, 0, 2, 3, 4, 5, 6)
  return { said, log: createEventLog({ level }, { now, writeError: (text) => said.push(text) }) }
}

function logs(settings: LogSettings) {
  const said: string[] = []
  const both = createLogs(settings, { now: () => 0, writeError: (text) => said.push(text) })
  return { ...both, said: () => said.map((each) => JSON.parse(each)) }
}

t.test('an event is one line: time, level, name, then its fields', async (t) => {
  const { said, log } = events('debug')
  log.warn('config-reload-failed', { problems: 2, file: 'routes.yaml', kept: true, line: null })
  t.strictSame(said, [
    '{"time":"2026-01-02T03:04:05.006Z","level":"warn","event":"config-reload-failed",' +
      '"problems":2,"file":"routes.yaml","kept":true,"line":null}\n',
  ])
})

t.test('events below the level are not written, the others are', async (t) => {
  for (const [level, heard] of [
    ['debug', 4],
    ['info', 3],
    ['warn', 2],
    ['error', 1],
  ] as const) {
    const { said, log } = events(level)
    log.debug('a')
    log.info('b')
    log.warn('c')
    log.error('d')
    t.equal(said.length, heard, level)
  }
})

t.test('whatever stands in a field, the line is valid and single', async (t) => {
  const { said, log } = events('info')
  log.info('odd', {
    text: 'a\nb"\ud800\u2028',
    nan: Number.NaN,
    'na"me': 1,
    long: 'x'.repeat(9999),
  })
  const [line = ''] = said
  t.match(line, /^[ -~]*\n$/)
  const read = JSON.parse(line)
  t.equal(read.text, 'a\nb"\ud800\u2028')
  t.equal(read.nan, null)
  t.equal(read.long.length, 4097)
})

t.test('the access log goes to its file', async (t) => {
  const path = join(t.testdir(), 'log', 'access.log')
  const { access } = logs({ log: { kind: 'file', path }, logLevel: 'info' })
  access.write(entry)
  await access.close()
  t.match(JSON.parse(await readFile(path, 'utf8')), { id: 'a1', status: 200 })
})

t.test('an access log that is off takes everything and keeps nothing', async (t) => {
  const { access, said } = logs({ log: { kind: 'off' }, logLevel: 'info' })
  access.write(entry)
  access.reopen()
  await access.flush()
  await access.close()
  t.match(access.stats(), { written: 0, dropped: 0, failing: false })
  t.strictSame(said(), [])
})

t.test('a full disk is one event, at level error, with the place and the code', async (t) => {
  const { access, said } = logs({ log: { kind: 'file', path: '/dev/full' }, logLevel: 'error' })
  for (let i = 0; i < 10; i++) {
    access.write(entry)
    await access.flush()
  }
  t.match(said(), [
    { level: 'error', event: 'access-log-failed', target: '/dev/full', code: 'ENOSPC' },
  ])
  t.equal(said().length, 1)
  t.ok(access.stats().failing)
  await access.close()
})
