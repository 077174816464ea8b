// A server and three clients of JIFF in one process; sends what each operation costs. Run by jiff.ts.
'use strict'
const http = require('node:http')
const { createRequire } = require('node:module')
const { join } = require('node:path')

const load = createRequire(join(process.argv[2], 'package.json'))
const { JIFFServer, JIFFClient } = load('jiff-mpc')

const counts = { multiply: 300, lessThan: 6, equal: 6 }
const operations = {
  multiply: (x, y) => x.smult(y),
  lessThan: (x, y) => x.slt(y),
  equal: (x, y) => x.seq(y),
}

const server = http.createServer()
// eslint-disable-next-line no-new
new JIFFServer(server, {})

server.listen(0, '127.0.0.1', async () => {
  const { port } = server.address()
  const clients = await Promise.all(
    [1, 2, 3].map(
      (id) =>
        new Promise((resolve) => {
          const client = new JIFFClient(`http://127.0.0.1:${port}`, 'bench', {
            party_count: 3,
            party_id: id,
            crypto_provider: true,
            onConnect: () => resolve(client),
          })
        }),
    ),
  )
  const perSecond = {}
  for (const [name, operation] of Object.entries(operations)) {
    const { user, system } = process.cpuUsage()
    await Promise.all(
      clients.map(async (client) => {
        const shares = client.share(client.id * 7)
        const results = []
        for (let i = 0; i < counts[name]; i++) results.push(operation(shares[1], shares[2]))
        await Promise.all(results.map((result) => client.open(result)))
      }),
    )
    const used = process.cpuUsage({ user, system })
    perSecond[name] = counts[name] / ((used.user + used.system) / 1e6 / 3)
  }
  process.send(perSecond, () => process.exit(0))
})
