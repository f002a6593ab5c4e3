// The SQLite store: it keeps every contract, with a second connection in the place of a second process.

import t, { type Test } from 'tap'
import { aUser } from '../contract/records.ts'
import { sessionStoreContract } from '../contract/session-store.ts'
import { tokenStoreContract } from '../contract/token-store.ts'
import { userStoreContract } from '../contract/user-store.ts'
import { testStore } from '../fixtures/store.ts'

async function openTwice(t: Test) {
  const files = testStore(t)
  const store = await files.open()
  const other = await files.open()
  const addUser = (id: string) => store.users.addUser(aUser(id))
  return { store, other, addUser }
}

t.test('it is a UserStore', async (t) => {
  userStoreContract(t, async (t) => {
    const { store, other } = await openTwice(t)
    return { store: store.users, other: other.users }
  })
})

t.test('it is a SessionStore', async (t) => {
  sessionStoreContract(t, async (t) => {
    const { store, other, addUser } = await openTwice(t)
    return { store: store.sessions, other: other.sessions, addUser }
  })
})

t.test('it is a TokenStore', async (t) => {
  tokenStoreContract(t, async (t) => {
    const { store, other, addUser } = await openTwice(t)
    return { store: store.tokens, other: other.tokens, addUser }
  })
})
