// A browser tab with the package @carshare/client, whose tokens are in `localStorage`.

import { createCarshareClient, webTokenStore } from "@carshare/client";
import { Role } from "@carshare/client/options/v1/options";
import { untilExpired } from "./expiry_cases.mjs";

/** `direct` is a stock transport. */
export function openTab(gateway, direct) {
  const store = webTokenStore();
  let saves = 0;
  const tokens = {
    ...store,
    save: (changed) => {
      saves++;
      store.save(changed);
    },
  };
  const client = createCarshareClient({ baseUrl: gateway, tokens });
  return {
    register: async () => {
      const email = `tabs-${crypto.randomUUID()}@example.com`;
      await client.register({ email, password: "correct horse 42", name: "김민지", phone: "010-2345-6789", role: Role.GUEST });
      saves = 0;
    },
    expire: () => untilExpired(direct, store.load().accessToken),
    /** Returns the signed-in user and how often this tab has stored tokens. */
    call: async () => {
      const { id } = await client.auth.getMe({});
      return { user: id, saves };
    },
  };
}
