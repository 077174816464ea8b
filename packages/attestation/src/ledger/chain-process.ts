/**
 * The process of a local chain (see `chain.ts`): a Hardhat network behind JSON-RPC on 127.0.0.1, in memory only. The
 * parent sends the accounts over the channel between the two; when that channel closes, for whatever reason, the
 * process ends, so it cannot outlive its parent.
 */
import { fileURLToPath } from 'node:url'

interface Start {
  readonly privateKeys: readonly string[]
  readonly balance: string
  readonly chainId: number
  readonly port: number
}

const serve = async ({ privateKeys, balance, chainId, port }: Start): Promise<void> => {
  const { createHardhatRuntimeEnvironment } = await import('hardhat/hre')
  const accounts = privateKeys.map((privateKey) => ({ privateKey, balance }))
  const config = {
    networks: { local: { type: 'edr-simulated' as const, chainId, accounts, allowBlocksWithSameTimestamp: true } },
  }
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const environment = await createHardhatRuntimeEnvironment(config, {}, root)
  const server = await environment.network.createServer('local', '127.0.0.1', port)
  const bound = await server.listen()
  process.send?.({ port: bound.port })
}

process.on('disconnect', () => process.exit(0))
// An interrupt at the terminal goes to the whole group: the parent decides when the chain ends.
process.on('SIGINT', () => {})
process.once('message', (start) => {
  serve(start as Start).catch((error: unknown) => {
    process.send?.({ failure: error instanceof Error ? error.message : String(error) })
  })
})
