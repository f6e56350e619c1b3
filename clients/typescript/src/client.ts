import { type Client, Code, createClient, type Interceptor, type Transport } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { authorization, language } from "./authorization.js";
import { CarshareError } from "./errors.js";
import { AuthService, type LoginRequestSchema, type RegisterRequestSchema } from "./gen/carshare/auth/v1/auth_service_pb.js";
import { EmailService } from "./gen/carshare/auth/v1/email_service_pb.js";
import type { User } from "./gen/carshare/auth/v1/user_pb.js";
import { BookingService } from "./gen/carshare/booking/v1/booking_service_pb.js";
import { MfaService } from "./gen/carshare/auth/v1/mfa_service_pb.js";
import { NotificationService } from "./gen/carshare/notification/v1/notification_service_pb.js";
import { PaymentService } from "./gen/carshare/payment/v1/payment_service_pb.js";
import { VehicleImageService } from "./gen/carshare/vehicle/v1/vehicle_image_service_pb.js";
import { VehicleService } from "./gen/carshare/vehicle/v1/vehicle_service_pb.js";
import { type NotificationEvent, type NotificationOptions, streamNotifications } from "./notifications.js";
import { DEFAULT_RETRIES, idempotencyKey, retry, type RetryPolicy } from "./retry.js";
import { Session } from "./session.js";
import { memoryTokenStore, type TokenStore } from "./tokens.js";
import type { MessageInitShape } from "@bufbuild/protobuf";

export interface CarshareOptions {
  /** URL of the gateway, for example `https://api.carshare.kr`. */
  readonly baseUrl: string;
  /** Creates the transport, for example `createGrpcTransport` of connect-node. Without it, Connect over `fetch`, in browsers and Node. */
  readonly transport?: (options: { baseUrl: string; interceptors: Interceptor[]; defaultTimeoutMs: number }) => Transport;
  /** Stores the tokens. Without it, in memory. */
  readonly tokens?: TokenStore;
  /** Language of error messages, `ko` or `en`, or a function that returns it. Without it, `ko`. */
  readonly language?: string | (() => string);
  /** Called once when the server has ended the session: by a logout elsewhere, a change of the password, or a refused refresh. */
  readonly onSessionEnd?: (error: CarshareError) => void;
  /** Deadline of a call with its repeats. Without it, 30 seconds. */
  readonly timeoutMs?: number;
  readonly retries?: RetryPolicy;
}

/** The services, with the tokens of the signed-in user, and the calls that begin and end a session. */
export interface CarshareClient {
  readonly auth: Client<typeof AuthService>;
  readonly booking: Client<typeof BookingService>;
  readonly email: Client<typeof EmailService>;
  readonly mfa: Client<typeof MfaService>;
  readonly notification: Client<typeof NotificationService>;
  readonly payment: Client<typeof PaymentService>;
  readonly vehicle: Client<typeof VehicleService>;
  readonly vehicleImage: Client<typeof VehicleImageService>;
  readonly session: Session;
  /** Creates an account and begins its session. */
  register(account: MessageInitShape<typeof RegisterRequestSchema>): Promise<User>;
  /** Begins a session. An error with the reason `MFA_REQUIRED` asks for `mfaCode`, a code of the authenticator app or a recovery code. */
  signIn(credentials: MessageInitShape<typeof LoginRequestSchema>): Promise<User>;
  /** Ends the session. The tokens are removed even if the server cannot be reached; it then ends the session when they expire. */
  signOut(): Promise<void>;
  /** Streams notifications over any number of connections. */
  notifications(options?: NotificationOptions): AsyncGenerator<NotificationEvent, void, undefined>;
}

export function createCarshareClient(options: CarshareOptions): CarshareClient {
  const { baseUrl, tokens = memoryTokenStore(), language: spoken = "ko", timeoutMs: defaultTimeoutMs = 30_000 } = options;
  const create = options.transport ?? createConnectTransport;
  const inner = [
    language(typeof spoken === "string" ? () => spoken : spoken),
    idempotencyKey,
    retry(options.retries ?? DEFAULT_RETRIES),
  ];
  // Login and Refresh are called without a token: an expired one would be refused.
  const anonymous = createClient(AuthService, create({ baseUrl, interceptors: inner, defaultTimeoutMs }));
  const session = new Session(anonymous, tokens, (error) => options.onSessionEnd?.(error));
  // The key is set outside of `authorization`, so that a call repeated with new tokens keeps it.
  const interceptors = [idempotencyKey, authorization(session), ...inner];
  const transport = create({ baseUrl, interceptors, defaultTimeoutMs });
  const auth = createClient(AuthService, transport);
  const notification = createClient(NotificationService, transport);
  return {
    auth,
    booking: createClient(BookingService, transport),
    email: createClient(EmailService, transport),
    mfa: createClient(MfaService, transport),
    notification,
    payment: createClient(PaymentService, transport),
    vehicle: createClient(VehicleService, transport),
    vehicleImage: createClient(VehicleImageService, transport),
    session,
    register: async (account) => {
      const reply = await anonymous.register(account);
      return session.begin(reply);
    },
    signIn: async (credentials) => {
      const reply = await anonymous.login(credentials);
      return session.begin(reply);
    },
    signOut: async () => {
      try {
        if (await session.tokens()) await auth.logout({});
      } catch (cause) {
        // A session that the server has ended needs no logout.
        if (CarshareError.from(cause).status !== Code.Unauthenticated) throw cause;
      } finally {
        await session.clear();
      }
    },
    notifications: (streamOptions) => streamNotifications(notification, session, streamOptions),
  };
}
