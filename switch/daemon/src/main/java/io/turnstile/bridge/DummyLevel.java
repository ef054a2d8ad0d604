package io.turnstile.bridge;

/** How far {@code --enable-dummy} goes: which interfaces are dummies, devices in memory. */
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
