// Asks @cloud-copilot/iam-simulate about cases, one of JSON a line, and answers a word a line.
import { createInterface } from 'node:readline'
import { runSimulation } from '@cloud-copilot/iam-simulate'

const words = { Allowed: 'allowed', ExplicitlyDenied: 'denied', ImplicitlyDenied: 'not-allowed' }
const named = (kind) => (policy, index) => ({ name: `${kind}${index}`, policy })
const levels = (kind, documents) =>
  (documents ?? []).map((policy, index) => ({ orgIdentifier: `level${index}`, policies: [{ name: `${kind}${index}`, policy }] }))

async function answer(one) {
  const single = ([key, values]) => [key, values.length === 1 && key !== 'aws:principalorgpaths' ? values[0] : values]
  const result = await runSimulation(
    {
      request: {
        principal: one.caller,
        action: one.action,
        resource: { resource: one.resource, accountId: one.resourceAccount },
        contextVariables: Object.fromEntries(Object.entries(one.context).map(single))
      },
      identityPolicies: one.identity.map(named('identity')),
      permissionBoundaryPolicies: one.boundary ? [{ name: 'boundary', policy: one.boundary }] : undefined,
      sessionPolicy: one.session,
      resourcePolicy: one.resourcePolicy,
      serviceControlPolicies: levels('scp', one.serviceControl),
      resourceControlPolicies: levels('rcp', one.resourceControl)
    },
    {}
  )
  return words[result.overallResult] ?? `refused ${JSON.stringify(result.errors ?? result.overallResult)}`
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(await answer(JSON.parse(line)))
}
