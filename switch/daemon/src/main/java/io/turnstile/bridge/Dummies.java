package io.turnstile.bridge;

/** What {@code --enable-dummy} makes of interface types. */
public enum Dummies {
    /** No dummy devices. */
    NONE,
    /** {@code dummy} interfaces may be made. */
    ALLOWED,
    /** Interfaces of type {@code system} are dummies too. */
    REPLACE_SYSTEM,
    /** All devices are dummies. */
    REPLACE_ALL
}
