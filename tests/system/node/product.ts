// A product that uses the TypeScript client: its arguments are the API's base, a key and an address.
import { Billhook, BillhookError } from './billhook.js'
import type { Access, Event } from './billhook.js'

declare const process: { argv: string[] }
const [, , base = '', key = '', email = ''] = process.argv

const billhook = new Billhook(base, key)
const signedUp = await billhook.signUp({ email, name: 'Ada' })
const accountId = 'account_id' in signedUp ? String(signedUp.account_id) : ''
const access: Access = await billhook.getAccess(accountId)
await billhook.reportMilestone(accountId, { name: 'connected_data' })

const endpoint = await billhook.createEndpoint({ url: 'http://127.0.0.1:9009/hooks' })
await billhook.deleteEndpoint(endpoint.id)

const grant = { until: '2099-01-01T00:00:00Z', note: 'a friend' }
const given = await billhook.giveGrant(accountId, grant, { idempotencyKey: 'typescript-1' })
const again = await billhook.giveGrant(accountId, grant, { idempotencyKey: 'typescript-1' })

const { events } = await billhook.listEvents({ account_id: accountId })
const trial = events.find((event: Event) => event.type === 'trial.started')

async function refused(call: () => Promise<unknown>): Promise<[number, string, string | null]> {
  try {
    await call()
  } catch (error) {
    if (error instanceof BillhookError) return [error.status, error.code, error.field]
    throw error
  }
  return [200, '', null]
}

console.log(
  JSON.stringify({
    access: access.access,
    secret: endpoint.secret.slice(0, 6),
    same: JSON.stringify(given) === JSON.stringify(again),
    events: events.map((event) => [event.sequence, event.type]),
    trial_end: trial?.data['trial_end'] ?? null,
    refusals: [
      await refused(() => billhook.getAccount('acc_nobody')),
      await refused(() => new Billhook(base, 'bh_wrong').listEvents()),
      await refused(() => new Billhook('http://127.0.0.1:1').getAccount('acc_1')),
      await refused(() => billhook.createEndpoint({ url: 'http://10.0.0.8/' })),
    ],
  }),
)
