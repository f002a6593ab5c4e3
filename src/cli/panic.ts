// `gatehouse panic`: nobody is signed in any more, and no program, and no link leads in.

import { done, mistaken, type Outcome } from './outcome.ts'
import { audited, changePeople, type PeopleContext } from './people-store.ts'
import { counted } from './terminal-text.ts'

export async function panic(context: PeopleContext): Promise<Outcome> {
  if (!context.flags.has('yes')) {
    return mistaken({
      severity: 'error',
      where: '--yes',
      what: 'is missing',
      remedy: 'it would end every session, yours too, every token and every unused link',
    })
  }
  return changePeople(context, async (store) => {
    const sessions = await store.sessions.removeAll()
    const tokens = await store.tokens.removeAll()
    let links = 0
    for (const { id } of await store.users.users()) links += await store.users.removeLinks(id)
    audited(store, 'panic', { user: null, at: context.now(), details: { sessions, tokens, links } })
    const ended = [counted(sessions, 'session'), counted(tokens, 'token'), counted(links, 'link')]
    return done(
      `Ended ${ended.join(', ')}. Passkeys, passwords and linked accounts still sign people in;\n` +
        '"gatehouse user disable" or "user reset" is for a person who must not.\n',
    )
  })
}
