package io.turnstile.offload.provider.fault;

/**
 * The callbacks of a provider that a fault can sit in. {@link #PORT} is any of the three about ports, {@link #OPERATE}
 * the bulk call as a whole.
 */
public enum Callback {
    INIT,
    CAN_OFFLOAD,
    ADD,
    ESTABLISHED,
    CHANGED,
    UPDATE,
    DEL,
    PATH_PUT,
    PATH_DEL,
    PATH_STATS,
    FLUSH,
    PORT,
    SETTINGS,
    CLOSE,
    OPERATE,
    DESCRIBE
}
