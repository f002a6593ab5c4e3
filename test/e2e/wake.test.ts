// A machine that sleeps, from a visit to the service and back to sleep: the gateway, a cloud and a service for real.

import t from 'tap'
import { testDomain } from '../fixtures/gateway.ts'
import { sessionCookie } from '../fixtures/people.ts'
import { createPerson } from '../fixtures/person.ts'
import { startWakeHouse } from '../fixtures/wake-house.ts'

const app = `https://app.${testDomain}`

t.test(
  'a visit of somebody who may starts it, shows the page, and leads to the service',
  async (t) => {
    const { gateway, oci, service } = await startWakeHouse(t)
    const diego = gateway.known('diego')
    const person = createPerson(gateway)
    person.jar.put({
      name: sessionCookie,
      value: diego.session.token,
      domain: testDomain,
      hostOnly: false,
    })
    const page = await person.visit(`${app}/deep?x=1`)
    t.equal(page.status, 503)
    t.match(page.text, 'App')
    for (let i = 0; i < 100; i++) {
      const again = await person.visit(`${app}/deep?x=1`)
      if (again.status === 200) break
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    t.match(service.asked, ['GET /deep?x=1 '])
    t.equal(oci.count('START'), 1)
  },
)
