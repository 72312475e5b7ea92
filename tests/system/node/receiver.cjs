// A receiver as the library's own page shows it: answers 204 to what it verifies, 400 to the rest.
// Its arguments are the library's folder; the secret and the time are those of the path /set.
const { createServer } = require('node:http')
const { Webhook } = require(process.argv[2])

let secret = ''
const verified = []

const server = createServer(async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  if (request.url === '/set') {
    const asked = JSON.parse(body.toString())
    secret = asked.secret
    Date.now = () => asked.now * 1000 // the system's clock runs ahead
    response.end(JSON.stringify(verified))
    return
  }
  try {
    const event = new Webhook(secret).verify(body, request.headers)
    verified.push({ id: event.id, body: body.toString(), headers: request.headers })
    response.writeHead(204).end()
  } catch (error) {
    response.writeHead(400).end(error.message)
  }
})
server.listen(0, '127.0.0.1', () => console.log(server.address().port))
