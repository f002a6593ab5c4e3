// The JSON Schema of routes.yaml, for editors. `npm run schema` writes it to src/routes.schema.json.

import * as z from 'zod'
import { fileSchema } from './schema.ts'

/** The text of `src/routes.schema.json`. Draft 7, which every editor's YAML support understands. */
export function jsonSchemaText(): string {
  const schema = z.toJSONSchema(fileSchema, { io: 'input', target: 'draft-7' })
  const titled = { ...schema, title: 'Gatehouse: routes.yaml' }
  return `${JSON.stringify(titled, null, 2)}\n`
}
