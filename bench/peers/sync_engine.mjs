// Stripe's sync engine behind node:http, as its README shows it: one POST a webhook.
// REVALIDATE=1 has it ask Stripe for the latest object of each event.
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const require = createRequire(process.env.MODULES + '/')
const load = (name) => import(pathToFileURL(require.resolve(name)).href)
const engine = (await load('@supabase/stripe-sync-engine')).default
const Stripe = (await load('stripe')).default
const { STRIPE_API_BASE, STRIPE_WEBHOOK_SECRET, DATABASE_URL, REVALIDATE } = process.env

const stripeSecretKey = 'sk_test_bench'
const sync = new engine.StripeSync({
  poolConfig: { connectionString: DATABASE_URL, max: 10 },
  stripeSecretKey,
  stripeWebhookSecret: STRIPE_WEBHOOK_SECRET,
  autoExpandLists: true,
  backfillRelatedEntities: false,
  revalidateObjectsViaStripeApi: REVALIDATE
    ? ['charge', 'customer', 'invoice', 'payment_intent', 'payment_method', 'price', 'product',
       'setup_intent', 'subscription']
    : [],
})
const api = new URL(STRIPE_API_BASE)
sync.stripe = new Stripe(stripeSecretKey, { host: api.hostname, port: api.port, protocol: 'http' })
await engine.runMigrations({ databaseUrl: DATABASE_URL, schema: 'stripe' })

const server = createServer((request, response) => {
  const parts = []
  request.on('data', (part) => parts.push(part))
  request.on('end', async () => {
    try {
      await sync.processWebhook(Buffer.concat(parts), request.headers['stripe-signature'])
      response.writeHead(200).end()
    } catch (error) {
      response.writeHead(500).end(String(error))
    }
  })
})
server.listen(Number(process.env.PORT), '127.0.0.1')
