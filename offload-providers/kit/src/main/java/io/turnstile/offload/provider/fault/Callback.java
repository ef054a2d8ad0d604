package io.turnstile.offload.provider.fault;

/** The callbacks of a provider that a fault can sit in. {@link #OPERATE} is the bulk call as a whole. */
public enum Callback {
    INIT,
    CAN_OFFLOAD,
    ADD,
    ESTABLISHED,
    UPDATE,
    DEL,
    FLUSH,
    CLOSE,
    OPERATE,
    DESCRIBE
}
