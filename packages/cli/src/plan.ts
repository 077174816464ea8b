/** The planner for people: which protocol, why, what the others would cost, and how the run compared. */
import { programsLike } from '@tallystick/attestation'
import { choose, type Choice, type Prediction, type Protocols, type Rates, type Request } from '@tallystick/psi'
import { count, traffic } from './text.ts'

/** Those registered that sets of so many parties can be compared by, by id; the ones over shares are for several. */
export const registered = async (parties: number): Promise<Protocols> => {
  const families = parties > 2 ? ['psi/', 'mpc/'] : ['psi/']
  const programs = await Promise.all(families.map(programsLike))
  return Object.fromEntries(programs.flatMap(Object.entries).map(([id, { protocol }]) => [id, protocol]))
}

export const planned = async (request: Request, rates?: Rates): Promise<Choice> =>
  choose(request, await registered(request.parties ?? 2), rates)

export const secondsText = (seconds: number): string => `${Math.max(0.1, seconds).toFixed(1)} s`

export const costText = ({ seconds, bytes, rounds }: Prediction): string =>
  `about ${secondsText(seconds)}, ${traffic(bytes)} in ${count(rounds)} rounds`

/** One line a protocol. */
export const consideredText = ({ considered }: Choice): string =>
  considered
    .map(({ protocol, predicted, refused }) => `  ${protocol.padEnd(18)} ${predicted ? costText(predicted) : refused}`)
    .join('\n')

export const choiceText = (choice: Choice): string =>
  [
    `${choice.protocol}: ${choice.reason}.`,
    `Predicted ${costText(choice.predicted)}, waiting and reading the list aside.`,
    ...(choice.advice === undefined ? [] : [`Advice: ${choice.advice}.`]),
    consideredText(choice),
  ].join('\n')
