// A product in node, with the example middleware: it tells the access that the middleware found.
import { createServer } from 'node:http'

const [, , middleware, billhook] = process.argv
const { AccessChecker, billhookAccess } = await import(middleware)
let now = 0
const checker = new AccessChecker(billhook, 'bh_key', () => now)
const use = billhookAccess(checker, (request) => request.headers['x-account'])

const server = createServer((request, response) => {
  now = Number(request.headers['x-now'])
  use(request, response, (error) => {
    if (error) response.statusCode = 500
    const { level, plan } = request.access ?? {}
    response.end(JSON.stringify(request.access ? { level, plan } : null))
  })
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
