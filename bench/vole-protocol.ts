/** The silent vector OLE alone: each end returns how many elements it has, and keeps them to itself. */
import { type VoleOptions, voleCost, voleMessages, voleReceive, voleSend } from '@tallystick/ot'
import { defineProtocol } from '@tallystick/protocol'

const messages = voleMessages('sender', 'receiver')
type Role = 'sender' | 'receiver'

export const vole = defineProtocol<Role, typeof messages, VoleOptions, Record<Role, Uint8Array>, Record<Role, number>>({
  id: 'bench/vole',
  version: 1,
  roles: ['sender', 'receiver'],
  messages,
  security: {
    adversary: 'malicious',
    corruptions: 1,
    computational: 125,
    statistical: 128,
    assumptions: ['those of the vector OLE'],
    refusal: 'nothing is opened',
  },
  leakage: { sender: 'nothing', receiver: 'nothing' },
  parameters: (value) => value as VoleOptions,
  cost: (options) => ({ ...voleCost(options), correlations: {} }),
  ideal: ({ n }) => ({ sender: n, receiver: n }),
  parties: {
    *sender(ctx, options, delta) {
      return (yield* voleSend(ctx.narrow('vole'), 'receiver', options, delta)).length / 16
    },
    *receiver(ctx, options) {
      return (yield* voleReceive(ctx.narrow('vole'), 'sender', options)).c.length / 16
    },
  },
})
