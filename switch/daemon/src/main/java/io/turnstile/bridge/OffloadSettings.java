package io.turnstile.bridge;

import io.turnstile.offload.OffloadDispatcher;
import io.turnstile.offload.PriorityList;
import io.turnstile.offload.ProviderRegistry;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Applies {@code other_config:hw-offload}, {@code hw-offload-priority} (there and on Interfaces),
 * {@code n-offload-threads} and providers' own settings, {@code offload-NAME-…}, to the dispatcher, live, any number of
 * times. A change touches only those providers that it is about.
 *
 * <p>Threads: the reconciler's.
 */
final class OffloadSettings {
    private static final Logger LOG = LoggerFactory.getLogger(OffloadSettings.class);
    private static final String OWN_SETTING = "offload-";
    /** A setting of Open vSwitch for a datapath that this is not; no provider's. */
    private static final String REBALANCE = "offload-rebalance";

    private final OffloadDispatcher dispatcher;
    private final ProviderRegistry registry;
    private final SettingsReader values = new SettingsReader("other_config");
    private Setting present = new Setting(false, "", 1);
    private Map<String, String> otherConfig = Map.of();

    private record Setting(boolean on, String priority, int threads) {}

    OffloadSettings(OffloadDispatcher dispatcher, ProviderRegistry registry) {
        this.dispatcher = dispatcher;
        this.registry = registry;
    }

    void reconfigure(Map<String, String> otherConfig) {
        this.otherConfig = otherConfig;
        dispatcher.setProviderSettings(otherConfig); // before any comes up: it may ask for them in init
        warnOfOwnerless();
        Setting wanted = read(otherConfig);
        boolean differs = wanted.on() ? !wanted.equals(present) : present.on();
        present = wanted;
        if (differs) {
            apply();
        }
        registry.closeRetired(dispatcher::isInUse);
    }

    /** Sets the lists of providers of the interfaces that have one of their own, by their ports' identities. */
    void reconfigurePorts(Map<Long, PriorityList> byPortId) {
        dispatcher.setPortPriorities(byPortId);
    }

    /** Looks at the plug-in folder again, and uses what it has now. */
    ProviderRegistry.Rescan rescan() {
        ProviderRegistry.Rescan rescan = registry.rescan();
        warnOfOwnerless();
        if (present.on() && rescan.isChange()) {
            apply();
        }
        registry.closeRetired(dispatcher::isInUse);
        return rescan;
    }

    private void apply() {
        if (present.on()) {
            dispatcher.setThreads(present.threads());
            dispatcher.enableNamed(registry.inOrder(present.priority()));
            LOG.info("hw-offload is on, providers: {}", dispatcher.providers());
        } else if (dispatcher.disable()) {
            LOG.info("hw-offload is off");
        } else {
            LOG.info("hw-offload is off, providers are still leaving: {}", dispatcher.providers());
        }
    }

    private void warnOfOwnerless() {
        List<String> names = registry.names();
        otherConfig.forEach((key, value) -> {
            if (key.startsWith(OWN_SETTING) && !key.equals(REBALANCE)) {
                boolean owned = names.stream().anyMatch(name -> OffloadDispatcher.isSettingOf(name, key));
                values.check(key, value, owned, "belongs to no offload provider here, passed over");
            }
        });
    }

    private Setting read(Map<String, String> otherConfig) {
        String enabled = otherConfig.getOrDefault("hw-offload", "false");
        String threads = otherConfig.getOrDefault("n-offload-threads", "1");
        boolean validEnabled = enabled.equals("true") || enabled.equals("false");
        boolean validThreads = threads.matches("[0-9]{1,2}")
                && Integer.parseInt(threads) >= 1
                && Integer.parseInt(threads) <= OffloadDispatcher.MAX_THREADS;
        values.check("hw-offload", enabled, validEnabled, "neither true nor false, taken as false");
        values.check(
                "n-offload-threads",
                threads,
                validThreads,
                "not 1 to " + OffloadDispatcher.MAX_THREADS + ", taken as 1");
        return new Setting(
                enabled.equals("true"),
                otherConfig.getOrDefault("hw-offload-priority", ""),
                validThreads ? Integer.parseInt(threads) : 1);
    }
}
