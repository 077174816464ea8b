/**
 * Lint plugin: an effect that is not delegated to does nothing. `ctx.send(...)` without `yield*` compiles, builds a
 * generator and throws it away; the peer then waits for ever. Applies to the packages that hold protocol text.
 */
const effects = new Set(['send', 'receive', 'compute', 'reserve', 'checkpoint', 'join'])

/** `ctx.send`, `sub.send`, `ctx.narrow('x').send`: a method of something that is not a plain library object. */
const isEffect = ({ callee }) =>
  callee.type === 'MemberExpression' &&
  !callee.computed &&
  effects.has(callee.property.name) &&
  (callee.object.type === 'Identifier' ||
    (callee.object.type === 'CallExpression' && callee.object.callee.property?.name === 'narrow'))

const yieldEffects = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { bare: '`{{call}}` does nothing without `yield*`: write `yield* {{call}}(...)`' },
  },
  create(context) {
    const generators = []
    const enter = (node) => generators.push(node.generator === true)
    const leave = () => generators.pop()
    return {
      FunctionDeclaration: enter,
      'FunctionDeclaration:exit': leave,
      FunctionExpression: enter,
      'FunctionExpression:exit': leave,
      ArrowFunctionExpression: enter,
      'ArrowFunctionExpression:exit': leave,
      CallExpression(node) {
        if (!isEffect(node)) return
        const { parent } = node
        const delegated = parent.type === 'YieldExpression' && parent.delegate
        // Outside of a generator a routine may be handed on, but not dropped.
        const dropped = parent.type === 'ExpressionStatement' || parent.type === 'AwaitExpression'
        if (delegated || (generators.at(-1) !== true && !dropped)) return
        const { object, property } = node.callee
        const call = `${object.name ?? 'narrow(...)'}.${property.name}`
        context.report({ node, messageId: 'bare', data: { call } })
      },
    }
  },
}

export default { meta: { name: 'tallystick' }, rules: { 'yield-effects': yieldEffects } }
