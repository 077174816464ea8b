/** Two protocols with no cryptography in them: what remains is what the engine itself costs. */
import { fixedBytes } from '@tallystick/core'
import { defineProtocol, message } from '@tallystick/protocol'

const plain = {
  security: {
    adversary: 'semi-honest',
    corruptions: 1,
    computational: 0,
    statistical: 0,
    assumptions: [],
    refusal: 'nothing is computed',
  },
} as const

interface StreamParameters {
  readonly chunks: number
}

export const streamChunkBytes = 256 * 1024

/** `source` sends its one chunk of 256 KiB `chunks` times; `sink` counts the bytes. */
export const stream = defineProtocol({
  id: 'bench/stream',
  version: 1,
  roles: ['source', 'sink'],
  messages: { chunk: message('source', 'sink', fixedBytes(streamChunkBytes)) },
  ...plain,
  leakage: { source: 'nothing', sink: 'the chunks' },
  parameters: (value) => value as StreamParameters,
  cost: ({ chunks }: StreamParameters) => ({
    rounds: 1,
    bytes: chunks * streamChunkBytes,
    coins: {},
    correlations: {},
  }),
  ideal: ({ chunks }, _inputs: { source: Uint8Array; sink: null }): { source: number; sink: number } => ({
    source: 0,
    sink: chunks * streamChunkBytes,
  }),
  parties: {
    *source(ctx, { chunks }, chunk) {
      for (let i = 0; i < chunks; i++) yield* ctx.send('chunk', chunk)
      return 0
    },
    *sink(ctx, { chunks }) {
      let bytes = 0
      for (let i = 0; i < chunks; i++) bytes += (yield* ctx.receive('chunk')).length
      return bytes
    },
  },
})

const ballBytes = 1024

/** `rounds` messages of 1 KiB, each waiting for the one before, each round a step of its own as in an MPC program. */
export const pingPong = defineProtocol({
  id: 'bench/ping-pong',
  version: 1,
  roles: ['server', 'returner'],
  messages: {
    ping: message('server', 'returner', fixedBytes(ballBytes)),
    pong: message('returner', 'server', fixedBytes(ballBytes)),
  },
  ...plain,
  leakage: { server: 'the ball', returner: 'the ball' },
  parameters: (value) => value as { readonly rounds: number },
  cost: ({ rounds }: { readonly rounds: number }) => ({
    rounds,
    bytes: rounds * ballBytes,
    coins: {},
    correlations: {},
  }),
  ideal: ({ rounds }, _inputs: { server: Uint8Array; returner: null }): { server: number; returner: number } => ({
    server: rounds,
    returner: rounds,
  }),
  parties: {
    *server(ctx, { rounds }, ball) {
      let current = ball
      for (let i = 0; i < rounds; i += 2) {
        const round = ctx.narrow(`round-${i}`)
        yield* round.send('ping', current)
        current = yield* round.receive('pong')
      }
      return rounds
    },
    *returner(ctx, { rounds }) {
      for (let i = 0; i < rounds; i += 2) {
        const round = ctx.narrow(`round-${i}`)
        yield* round.send('pong', yield* round.receive('ping'))
      }
      return rounds
    },
  },
})
