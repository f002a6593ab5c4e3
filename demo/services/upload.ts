// Takes files of any size, counts and hashes them, keeps nothing; and makes files of any size.

import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { html, send, sendPage } from '../page.ts'
import { numberIn, type Service } from '../service.ts'

export function createUpload(): Service {
  return {
    name: 'upload',
    handle: ({ req, res, path }) => {
      if (req.method === 'PUT' || req.method === 'POST') {
        const hash = createHash('sha256')
        let bytes = 0
        req.on('data', (chunk: Buffer) => {
          hash.update(chunk)
          bytes += chunk.length
        })
        req.on('end', () => {
          const sha256 = hash.digest('hex')
          send(res, 'application/json', `${JSON.stringify({ bytes, sha256 })}\n`)
        })
        return
      }
      if (path === '/file') {
        const bytes = Math.floor(numberIn(req, 'bytes', 1_000_000))
        res.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes })
        const source = Readable.from(zeros(bytes), { objectMode: false }).pipe(res)
        res.on('close', () => source.destroy())
        return
      }
      sendPage(req, res, {
        title: 'Upload',
        lead: html`The bytes go through the gateway to the service as they come; neither keeps the file. The
          answer is what the service counted.`,
        body: html`<form class="row">
<input type="file" aria-label="File" required>
<button>Send</button>
</form>
<progress value="0" max="1" aria-label="Sent"></progress>
<h2>Answer</h2>
<pre class="log" role="status"></pre>
<p>The other way: <a href="/file?bytes=100000000" download="zeros">download 100 MB</a>.</p>`,
        script: 'upload.js',
      })
    },
  }
}

const block = Buffer.alloc(64 * 1024)

function* zeros(bytes: number): Generator<Buffer> {
  for (let left = bytes; left > 0; left -= block.length) {
    yield left < block.length ? block.subarray(0, left) : block
  }
}
