package io.turnstile.bridge;

/** What {@code --enable-dummy} makes of interface types. */
public enum DummyLevel {
    /** No dummy devices. */
    NONE,
    /** {@code dummy} interfaces may be made. */
    ALLOWED,
    /** Interfaces of type {@code system} are dummies too. */
    OVERRIDE_SYSTEM,
    /** All devices are dummies. */
    OVERRIDE_ALL
}
