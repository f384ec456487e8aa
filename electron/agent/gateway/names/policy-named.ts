import { purposeModels, virtualModels } from '../../../contract/routing.ts';
import type { PolicyName } from './resolved-name.ts';

/** What a name that stands for a policy or a purpose is; null for any other name. */
export function policyNamed(name: string): PolicyName | null {
  return virtualModels.find((each) => each === name) ?? purposeModels.find((each) => each === name) ?? null;
}
