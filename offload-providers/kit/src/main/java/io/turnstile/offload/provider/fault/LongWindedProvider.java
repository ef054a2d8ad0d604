package io.turnstile.offload.provider.fault;

import io.turnstile.offload.spi.ConnView;
import io.turnstile.offload.spi.ProviderContext;
import io.turnstile.offload.spi.Verdict;
import java.util.List;

/**
 * The provider declines everything at length, describes itself at length, and begins by a long line in the log and a
 * counter that is named and described at length.
 */
public final class LongWindedProvider extends HoldingProvider {
    private final String text;

    /** @param length of each text, characters */
    public LongWindedProvider(String name, int length) {
        super(name);
        this.text = "x".repeat(length);
    }

    @Override
    public void init(ProviderContext context) throws Exception {
        super.init(context);
        context.logger().log(System.Logger.Level.INFO, text);
        context.counter(text, text).add(1);
    }

    @Override
    public Verdict canOffload(ConnView connection) {
        meet(Callback.CAN_OFFLOAD);
        return Verdict.decline(text);
    }

    @Override
    public List<String> describe() {
        meet(Callback.DESCRIBE);
        return List.of(text);
    }
}
