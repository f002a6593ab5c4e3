// Certificates and keys that the table names: read when they are files, refused when there would be no end of them.

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { readKeyFile } from '../../src/cli/key-material.ts'

t.test('a file is read, anything else is not', async (t) => {
  const folder = t.testdir({ 'ca.pem': 'PEM' })
  t.equal(readKeyFile(join(folder, 'ca.pem')).toString(), 'PEM')
  const pipe = join(folder, 'pipe')
  execFileSync('mkfifo', [pipe])
  writeFileSync(join(folder, 'huge'), Buffer.alloc(1_000_001))
  for (const path of [pipe, join(folder, 'huge'), folder, '/dev/zero']) {
    t.throws(() => readKeyFile(path), { code: 'key-material' }, path)
  }
  t.throws(() => readKeyFile(join(folder, 'nothing')), { code: 'ENOENT' })
})
