/** The messages of the protocols for one holder, between the asker and each of several. */
import { message, opening, type Messages } from '@tallystick/protocol'
import { askerRole } from '../several.ts'
import { messages } from '../simplepir/messages.ts'

export const whichMessages: Messages = Object.fromEntries(
  Object.entries(messages).map(([name, { from, codec, opening: opens }]) => {
    const [sender, receiver] = from === askerRole ? [askerRole, 'each'] : ['each', askerRole]
    return [name, (opens ? opening : message)(sender, receiver, codec as never)]
  }),
)
