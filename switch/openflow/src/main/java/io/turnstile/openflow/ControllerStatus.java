package io.turnstile.openflow;

import org.jspecify.annotations.Nullable;

/**
 * What is written back to a Controller row (ovs-vswitchd.conf.db(5), is_connected, role, status).
 *
 * @param role other, master or slave; null while not connected
 * @param state VOID, BACKOFF, CONNECTING, ACTIVE, IDLE or LISTENING
 * @param secondsSinceConnect -1 if it never was connected
 * @param secondsSinceDisconnect -1 if it never was disconnected
 * @param lastError null if there was none
 */
public record ControllerStatus(
        String target,
        boolean isConnected,
        @Nullable String role,
        String state,
        long secondsSinceConnect,
        long secondsSinceDisconnect,
        @Nullable String lastError) {}
