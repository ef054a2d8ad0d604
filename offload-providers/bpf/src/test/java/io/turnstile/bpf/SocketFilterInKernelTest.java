package io.turnstile.bpf;

import static io.turnstile.bpf.asm.Register.R0;
import static io.turnstile.bpf.asm.Register.R1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.turnstile.bpf.asm.Assembler;
import io.turnstile.bpf.asm.Condition;
import io.turnstile.bpf.asm.Program;
import io.turnstile.bpf.asm.Size;
import io.turnstile.bpf.asm.SkBuff;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** A program that decides what a socket gets. */
@Tag("system")
class SocketFilterInKernelTest {
    /** Hides what is longer than 100 bytes, and shows 10 bytes of the rest. */
    private static final Program FILTER = new Assembler()
            .load(Size.U32, R1, R1, SkBuff.LEN.offset())
            .mov(R0, 0)
            .jump(Condition.GT, R1, 100, "hide")
            .mov(R0, 10)
            .label("hide")
            .exit()
            .assemble();

    private static LoadedProgram filter() throws BpfException {
        return LoadedProgram.load(ProgramType.SOCKET_FILTER, "filter", "Apache-2.0", FILTER);
    }

    @Test
    void aSocketGetsWhatItsProgramLeaves() throws Throwable {
        try (SocketPair sockets = new SocketPair()) {
            try (LoadedProgram loaded = filter()) {
                SocketFilter.attach(sockets.receiver(), loaded);
            }
            sockets.send(101);
            sockets.send(100);
            assertThat(sockets.receive()).isEqualTo(10);
            assertThat(sockets.receive()).isEqualTo(-1);

            SocketFilter.detach(sockets.receiver());
            sockets.send(101);
            assertThat(sockets.receive()).isEqualTo(101);
        }
    }

    @Test
    void whatIsNoSocketTakesNone() throws Throwable {
        try (SocketPair sockets = new SocketPair();
                LoadedProgram loaded = filter()) {
            int notOpen = sockets.receiver() + 1_000;
            assertThatThrownBy(() -> SocketFilter.attach(notOpen, loaded))
                    .hasMessage("attaching program filter to a socket: EBADF (no such descriptor)");
            assertThatThrownBy(() -> SocketFilter.detach(sockets.receiver()))
                    .hasMessage("detaching a socket's program: ENOENT (no such entry)");
        }
    }
}
