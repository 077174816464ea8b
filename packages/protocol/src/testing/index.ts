/** The conformance kit that every protocol passes; see docs/protocols.md. */
export { runPlan, subjectOf, type Case, type Observation, type Options, type Subject } from './case.ts'
export { checkCoverage, checks, conformance } from './conformance.ts'
export { dice, mutationsOf, sampleOf, type Dice, type FaultPlan, type Mutation } from './faults.ts'
export { renderFinding, type Check, type CheckName, type Finding, type Report } from './finding.ts'
