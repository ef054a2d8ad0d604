package io.turnstile.conntrack;

/** A listener that does nothing, knows of no use and keeps nothing: tests override what they are about. */
class IdleListener implements ConnectionListener {
    @Override
    public void onCommitted(long connectionId, int inPort, long nowNs) {}

    @Override
    public void onEstablished(long connectionId, long nowNs) {}

    @Override
    public void onChanged(long connectionId, int changes, long nowNs) {}

    @Override
    public boolean onDeadline(long connectionId, long nowNs) {
        return false;
    }

    @Override
    public boolean isAwaited(long connectionId) {
        return false;
    }

    @Override
    public boolean onRemoved(long connectionId, RemovalReason reason, long nowNs) {
        return false;
    }
}
