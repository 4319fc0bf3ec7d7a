use std::fs;

use bytes::Bytes;
use futures_util::TryStreamExt as _;

use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn files(root: impl AsRef<Path>) -> Files {
    Files::new(root, Options::default()).unwrap()
}

fn titled(title: &str, content: &[u8]) -> Descriptor {
    let mut node = Descriptor::of("a/b", content);
    node.annotations.insert(keys::TITLE.to_owned(), title.to_owned());
    node
}

fn names(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

async fn add(files: &Files, path: &str) -> Descriptor {
    files.add(path, None, &Annotations::new()).await.unwrap()
}

async fn read(files: &Files, node: &Descriptor) -> Result<Vec<u8>> {
    Ok(files.fetch(node).await?.try_collect::<Vec<_>>().await?.concat())
}

async fn write(files: &Files, title: &str, content: &[u8]) -> Result<()> {
    files.push(&titled(title, content), Body::from(content.to_vec())).await
}

fn failure(outcome: Result<()>) -> Error {
    match outcome.unwrap_err() {
        content::Error::Store(error) => *error.downcast().unwrap(),
        other => panic!("another error: {other}"),
    }
}

mod push {
    use super::*;

    #[tokio::test]
    async fn a_file_is_described_and_read() {
        let folder = folder();
        fs::write(folder.path().join("hi.txt"), "hello\n").unwrap();
        let files = files(folder.path());
        let annotations = Annotations::from([("k".into(), "v".into())]);
        let node = files.add("./hi.txt", Some("x/y"), &annotations).await.unwrap();
        assert_eq!(node.title(), Some("hi.txt"));
        assert_eq!((&*node.media_type, node.size, &*node.annotations["k"]), ("x/y", 6, "v"));
        assert_eq!(node.digest, Digest::of(b"hello\n"));
        assert!(files.exists(&node.plain()).await.unwrap());
        assert_eq!(read(&files, &node).await.unwrap(), b"hello\n");
        let tail: Vec<_> = files.fetch_unverified(&node, 3).await.unwrap().try_collect().await.unwrap();
        assert_eq!(tail.concat(), b"lo\n");
    }

    #[tokio::test]
    async fn a_config_has_no_title_and_takes_its_name() {
        let folder = folder();
        fs::write(folder.path().join("cfg.json"), "{}").unwrap();
        fs::write(folder.path().join("$config"), "x").unwrap();
        let files = files(folder.path());
        let node = files.add_config("cfg.json", "a/cfg").await.unwrap();
        assert_eq!(node, Descriptor::of("a/cfg", b"{}"));
        let taken = files.add("$config", None, &Annotations::new()).await.map(drop);
        assert_eq!(failure(taken).to_string(), "$config: duplicate name");
    }

    #[tokio::test]
    async fn a_title_may_be_given_but_not_twice_and_not_empty() {
        let folder = folder();
        fs::write(folder.path().join("a"), "x").unwrap();
        let files = files(folder.path());
        let with = async |title: &str| {
            files.add("a", None, &Annotations::from([(keys::TITLE.into(), title.into())])).await
        };
        assert_eq!(with("renamed/x.bin").await.unwrap().title(), Some("renamed/x.bin"));
        assert_eq!(
            failure(with("renamed/x.bin").await.map(drop)).to_string(),
            "renamed/x.bin: duplicate name"
        );
        assert_eq!(failure(with("").await.map(drop)).to_string(), "missing name");
    }

    #[tokio::test]
    async fn a_file_that_is_not_there_is_named_in_full() {
        let folder = folder();
        let error = files(folder.path()).add("none", None, &Annotations::new()).await.unwrap_err();
        assert_eq!(error.to_string(), format!("stat {}", folder.path().join("none").display()));
    }

    #[tokio::test]
    async fn a_file_that_changed_is_not_sent() {
        let folder = folder();
        let path = folder.path().join("a");
        let long = vec![7; 1 << 20];
        for changed in [&b"jello"[..], b"hell", b"hello!", &long, b""] {
            fs::write(&path, "hello").unwrap();
            let files = files(folder.path());
            let node = add(&files, "a").await;
            fs::write(&path, changed).unwrap();
            let error = read(&files, &node).await.unwrap_err();
            assert!(matches!(error.store_error(), Some(Error::Changed { .. })), "{error}");
        }
        let files = files(folder.path());
        let node = add(&files, "a").await;
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        // Only touched: that is found to be harmless, where somebody compares digests.
        assert!(read(&files, &node).await.is_ok());
        assert!(files.fetch_unverified(&node, 0).await.is_err());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn what_can_be_read_only_once_is_kept() {
        let folder = folder();
        let path = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        let writer = std::thread::spawn(move || fs::write(path, "hello").unwrap());
        let files = files(folder.path());
        let node = add(&files, "pipe").await;
        writer.join().unwrap();
        assert_eq!(read(&files, &node).await.unwrap(), b"hello");
        assert_eq!(read(&files, &node).await.unwrap(), b"hello");
    }

    /// The tar of a packed folder, and the entries that another reader finds in it.
    async fn unpacked(files: &Files, node: &Descriptor) -> (Vec<u8>, Vec<String>) {
        let packed = read(files, node).await.unwrap();
        assert_eq!(&packed[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]);
        let mut archive = Vec::new();
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&packed[..]), &mut archive).unwrap();
        let mut reader = tar::Archive::new(&archive[..]);
        let entries = reader.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            let path = entry.path().unwrap().to_str().unwrap().to_owned();
            let kind = format!("{:?} {:o}", header.entry_type(), header.mode().unwrap());
            // A link has a time that cannot be set beforehand.
            match entry.link_name().unwrap() {
                Some(link) => format!("{kind} {path} -> {}", link.display()),
                None => format!("{kind} {} {path}", header.mtime().unwrap()),
            }
        });
        let entries = entries.collect();
        (archive, entries)
    }

    #[cfg(unix)]
    fn sample(root: &Path) {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        fs::create_dir_all(root.join("d/sub")).unwrap();
        fs::write(root.join("d/a.txt"), "hello\n").unwrap();
        fs::write(root.join("d/sub.txt"), "").unwrap();
        fs::write(root.join("d/sub/b"), "x").unwrap();
        symlink("a.txt", root.join("d/link")).unwrap();
        fs::hard_link(root.join("d/a.txt"), root.join("d/z")).unwrap();
        let mode = |path: &str, mode| {
            fs::set_permissions(root.join(path), fs::Permissions::from_mode(mode)).unwrap();
        };
        mode("d", 0o755);
        mode("d/sub", 0o1750);
        mode("d/a.txt", 0o4755);
        mode("d/sub.txt", 0o644);
        mode("d/sub/b", 0o600);
        let time = |path: &str, nanoseconds| {
            let at = SystemTime::UNIX_EPOCH + std::time::Duration::new(1_700_000_000, nanoseconds);
            File::open(root.join(path)).unwrap().set_modified(at).unwrap();
        };
        time("d/a.txt", 499_999_999);
        time("d/sub.txt", 500_000_000);
        time("d/sub/b", 0);
        time("d/sub", 0);
        time("d", 0);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_folder_becomes_a_reproducible_archive() {
        let folder = folder();
        sample(folder.path());
        let files = files(folder.path());
        let node = add(&files, "d/").await;
        assert_eq!((node.title(), &*node.media_type), (Some("d"), media_type::LAYER_TAR_GZIP));
        assert_eq!(node.annotations[keys::CONTENT_UNPACK], "true");
        let (archive, entries) = unpacked(&files, &node).await;
        assert_eq!(node.annotations[keys::CONTENT_DIGEST], Digest::of(&archive).to_string());
        assert_eq!(archive.len() % 512, 0);
        assert!(archive.ends_with(&[0; 1024]) && !archive.ends_with(&[0; 2048]));
        assert_eq!(
            entries,
            [
                "Directory 755 1700000000 d",
                "Regular 4755 1700000000 d/a.txt",
                "Symlink 777 d/link -> a.txt",
                "Directory 1750 1700000000 d/sub",
                "Regular 600 1700000000 d/sub/b",
                "Regular 644 1700000001 d/sub.txt",
                "Regular 4755 1700000000 d/z",
            ]
        );
        let again = files_again(folder.path()).await;
        assert_eq!(again.digest, node.digest);
    }

    #[cfg(unix)]
    async fn files_again(root: &Path) -> Descriptor {
        add(&files(root), "./d").await
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_folder_may_be_reached_through_a_link_and_may_be_the_current_one() {
        let folder = folder();
        sample(folder.path());
        std::os::unix::fs::symlink("d", folder.path().join("link")).unwrap();
        let files = files(folder.path());
        let node = add(&files, "link").await;
        let (_, entries) = unpacked(&files, &node).await;
        assert!(entries[0].starts_with("Directory") && entries[0].ends_with(" link"), "{entries:?}");
        assert!(entries[1].ends_with(" link/a.txt"));
        let here = Files::new(folder.path().join("d"), Options::default()).unwrap();
        let node = add(&here, ".").await;
        let (_, entries) = unpacked(&here, &node).await;
        assert!(entries[0].ends_with(" .") && entries[1].ends_with(" a.txt"), "{entries:?}");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_socket_cannot_be_packed() {
        let folder = folder();
        fs::create_dir(folder.path().join("d")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("d/s")).unwrap();
        let outcome = files(folder.path()).add("d", None, &Annotations::new()).await.map(drop);
        assert!(failure(outcome).to_string().ends_with("d/s: sockets not supported"));
    }
}

mod pull {
    use super::*;

    #[tokio::test]
    async fn content_is_written_where_its_title_says() {
        let folder = folder();
        let files = files(folder.path().join("new/out"));
        write(&files, "a.txt", b"hello").await.unwrap();
        write(&files, "deep/er/b.txt", b"bye").await.unwrap();
        assert_eq!(fs::read(folder.path().join("new/out/a.txt")).unwrap(), b"hello");
        assert_eq!(fs::read(folder.path().join("new/out/deep/er/b.txt")).unwrap(), b"bye");
        assert_eq!(names(&folder.path().join("new/out")), ["a.txt", "deep"]);
        assert_eq!(files.path_of("./deep/../a.txt"), folder.path().join("new/out/a.txt"));
    }

    #[tokio::test]
    async fn content_that_is_not_as_described_leaves_nothing() {
        let folder = folder();
        fs::write(folder.path().join("a"), "old").unwrap();
        let files = files(folder.path());
        let node = titled("a", b"hello");
        for wrong in [&b"jello"[..], b"hell", b"hello!", &vec![7; 3 << 20]] {
            assert!(files.push(&node, Body::from(wrong.to_vec())).await.is_err());
            let stream = content::once(Bytes::copy_from_slice(wrong));
            assert!(files.push(&node, Body::stream(stream)).await.is_err());
        }
        assert_eq!(names(folder.path()), ["a"]);
        assert_eq!(fs::read(folder.path().join("a")).unwrap(), b"old");
    }

    #[tokio::test]
    async fn content_without_a_title_stays_in_memory() {
        let folder = folder();
        let files = files(folder.path());
        let node = Descriptor::of("a/b", b"hello");
        files.push(&node, Body::from(b"hello".to_vec())).await.unwrap();
        assert_eq!(read(&files, &node).await.unwrap(), b"hello");
        assert_eq!(names(folder.path()), [""; 0]);
        let huge = Descriptor { size: MANIFEST_LIMIT + 1, ..node };
        let stream = Body::stream(Box::pin(futures_util::stream::pending()));
        assert!(matches!(files.push(&huge, stream).await, Err(content::Error::TooLarge { .. })));
    }

    #[tokio::test]
    async fn one_title_for_two_contents_is_refused_and_twice_the_same_is_not() {
        let folder = folder();
        let files = files(folder.path());
        write(&files, "a", b"hello").await.unwrap();
        assert!(files.exists(&titled("a", b"hello")).await.unwrap());
        assert!(!files.exists(&titled("b", b"hello")).await.unwrap());
        write(&files, "./a", b"hello").await.unwrap();
        assert_eq!(failure(write(&files, "x/../a", b"bye").await).to_string(), "x/../a: duplicate name");
        assert_eq!(fs::read(folder.path().join("a")).unwrap(), b"hello");
    }

    #[tokio::test]
    async fn one_content_with_two_titles_is_copied_here() {
        let folder = folder();
        let files = files(folder.path());
        write(&files, "a", b"hello").await.unwrap();
        assert!(files.restore(&titled("b/c", b"hello")).await.unwrap());
        assert_eq!(fs::read(folder.path().join("b/c")).unwrap(), b"hello");
        assert!(!files.restore(&titled("d", b"unknown")).await.unwrap());
    }

    #[tokio::test]
    async fn old_files_stay_when_they_must() {
        let folder = folder();
        fs::write(folder.path().join("a"), "old").unwrap();
        fs::create_dir(folder.path().join("d")).unwrap();
        let options = Options { keep_old_files: true, ..Options::default() };
        let files = Files::new(folder.path(), options).unwrap();
        for title in ["a", "d", "."] {
            let error = failure(write(&files, title, b"new").await);
            assert_eq!(
                error.to_string(),
                "failed to resolve path for writing: overwrite disallowed",
                "{title}"
            );
        }
        write(&files, "b", b"new").await.unwrap();
        assert_eq!(fs::read(folder.path().join("a")).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["a", "b", "d"]);
    }

    #[tokio::test]
    async fn a_folder_is_not_replaced_by_a_file() {
        let folder = folder();
        fs::create_dir(folder.path().join("d")).unwrap();
        let error = failure(write(&files(folder.path()), "d", b"new").await);
        assert_eq!(error.to_string(), format!("failed to create file {}", folder.path().join("d").display()));
        assert_eq!(names(folder.path()), ["d"]);
    }

    #[tokio::test]
    async fn titles_do_not_lead_out_unless_they_may() {
        let folder = folder();
        let out = folder.path().join("out");
        let absolute = folder.path().join("abs").to_str().unwrap().to_owned();
        for title in ["../x", "..", &absolute] {
            let error = failure(write(&files(&out), title, b"x").await);
            assert!(error.to_string().contains("path traversal disallowed"), "{title}");
        }
        assert_eq!(names(folder.path()), [""; 0]);
        let options = Options { allow_path_traversal: true, ..Options::default() };
        let files = Files::new(&out, options).unwrap();
        write(&files, "../x", b"x").await.unwrap();
        write(&files, &absolute, b"y").await.unwrap();
        assert_eq!(names(folder.path()), ["abs", "x"]);
    }

    #[cfg(unix)]
    mod links {
        use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

        use super::*;

        #[tokio::test]
        async fn a_folder_that_is_a_link_may_not_lead_out() {
            let folder = folder();
            let out = folder.path().join("out");
            fs::create_dir_all(out.join("real")).unwrap();
            fs::create_dir(folder.path().join("elsewhere")).unwrap();
            symlink("../elsewhere", out.join("outside")).unwrap();
            symlink(folder.path().join("elsewhere"), out.join("absolute")).unwrap();
            symlink("outside", out.join("chain")).unwrap();
            symlink("real", out.join("inside")).unwrap();
            for title in ["outside/x", "absolute/x", "chain/x", "outside/new/x"] {
                let error = failure(write(&files(&out), title, b"x").await);
                assert!(error.to_string().contains("path traversal disallowed"), "{title}");
            }
            assert_eq!(names(&folder.path().join("elsewhere")), [""; 0]);
            write(&files(&out), "inside/x", b"x").await.unwrap();
            assert_eq!(names(&out.join("real")), ["x"]);
        }

        #[tokio::test]
        async fn a_link_at_the_name_itself_is_replaced() {
            let folder = folder();
            let out = folder.path().join("out");
            fs::create_dir(&out).unwrap();
            fs::write(folder.path().join("victim"), "precious").unwrap();
            symlink("../victim", out.join("a")).unwrap();
            symlink("../dangling", out.join("b")).unwrap();
            let files = files(&out);
            write(&files, "a", b"new").await.unwrap();
            write(&files, "b", b"new").await.unwrap();
            assert_eq!(fs::read(folder.path().join("victim")).unwrap(), b"precious");
            assert_eq!(names(folder.path()), ["out", "victim"]);
            assert!(fs::symlink_metadata(out.join("a")).unwrap().is_file());
        }

        #[tokio::test]
        async fn a_dangling_link_is_something_that_must_stay() {
            let folder = folder();
            symlink("none", folder.path().join("a")).unwrap();
            let options = Options { keep_old_files: true, ..Options::default() };
            let files = Files::new(folder.path(), options).unwrap();
            assert!(matches!(failure(write(&files, "a", b"new").await), Error::Overwrite { .. }));
        }

        #[tokio::test]
        async fn a_replaced_file_leaves_its_mode_and_its_other_names_alone() {
            let folder = folder();
            let path = folder.path().join("a");
            fs::write(&path, "old").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
            fs::hard_link(&path, folder.path().join("other")).unwrap();
            write(&files(folder.path()), "a", b"new").await.unwrap();
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
            assert_eq!(fs::read(folder.path().join("other")).unwrap(), b"old");
        }

        #[tokio::test]
        async fn a_pipe_is_written_into() {
            let folder = folder();
            let path = folder.path().join("pipe");
            assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
            let reader = std::thread::spawn({
                let path = path.clone();
                move || fs::read(path).unwrap()
            });
            write(&files(folder.path()), "pipe", b"hello").await.unwrap();
            assert_eq!(reader.join().unwrap(), b"hello");
            assert_eq!(names(folder.path()), ["pipe"]);
        }
    }

    #[tokio::test]
    async fn what_a_killed_run_left_is_taken_up() {
        let folder = folder();
        let content: Vec<u8> = (0..=250).cycle().take(3 << 20).collect();
        let memory = Memory::new();
        let node = memory.insert("a/b", content.clone());
        let left = format!(".oras-{}_0", node.digest.encoded());
        fs::write(folder.path().join(left), &content[..2 << 20]).unwrap();
        let positions = Arc::new(Mutex::new(Vec::new()));
        let seen = positions.clone();
        let body = Body::stored(Arc::new(memory), node.clone())
            .observed(Arc::new(move |position| seen.lock().unwrap().push(position)));
        files(folder.path()).push(&titled("big", &content), body).await.unwrap();
        assert_eq!(*positions.lock().unwrap(), [3 << 20]);
        assert_eq!(fs::read(folder.path().join("big")).unwrap(), content);
        assert_eq!(names(folder.path()), ["big"]);
    }

    #[tokio::test]
    async fn what_a_killed_run_left_is_fetched_anew_if_it_is_not_what_it_seems() {
        let content: Vec<u8> = (0..=250).cycle().take(3 << 20).collect();
        // Other bytes, all of them or too many, as after a power cut.
        for left in [vec![0; 2 << 20], vec![0; 3 << 20], vec![0; 4 << 20]] {
            let folder = folder();
            let memory = Memory::new();
            let node = memory.insert("a/b", content.clone());
            fs::write(folder.path().join(format!(".oras-{}_0", node.digest.encoded())), left).unwrap();
            let body = Body::stored(Arc::new(memory), node);
            files(folder.path()).push(&titled("big", &content), body).await.unwrap();
            assert!(fs::read(folder.path().join("big")).unwrap() == content);
            assert_eq!(names(folder.path()), ["big"]);
        }
    }

    #[tokio::test]
    async fn a_transfer_that_breaks_off_keeps_what_is_worth_keeping_under_another_name() {
        let folder = folder();
        let content = Bytes::from(vec![7; 3 << 20]);
        let node = titled("big", &content);
        let pieces = [Ok(content.slice(..2 << 20)), Err(content::Error::Unsupported("going on"))];
        let body = Body::stream(Box::pin(futures_util::stream::iter(pieces)));
        assert!(files(folder.path()).push(&node, body).await.is_err());
        let left = names(folder.path());
        assert!(left.len() == 1 && left[0].starts_with(".oras-"), "{left:?}");
        files(folder.path()).push(&node, Body::from(content)).await.unwrap();
        assert_eq!(names(folder.path()), ["big"]);
    }
}

mod unpack {
    use super::*;
    use crate::tar::{END, Header, Kind, padding};

    struct Packer(Vec<u8>);

    impl Packer {
        fn new() -> Self {
            Self(Vec::new())
        }

        fn entry(mut self, kind: Kind, path: &str, link: &str, mode: u32, content: &[u8]) -> Self {
            let header = Header {
                path: path.as_bytes(),
                link: link.as_bytes(),
                kind,
                mode,
                size: content.len() as u64,
                mtime: 1_700_000_000,
                owner: (0, 0),
                device: (0, 0),
            };
            self.0.extend_from_slice(&header.encode());
            self.0.extend_from_slice(content);
            self.0.extend_from_slice(padding(content.len() as u64));
            self
        }

        fn folder(self, path: &str) -> Self {
            self.entry(Kind::Directory, path, "", 0o755, b"")
        }

        fn file(self, path: &str, content: &[u8]) -> Self {
            self.entry(Kind::Regular, path, "", 0o644, content)
        }

        fn link(self, path: &str, text: &str) -> Self {
            self.entry(Kind::Symlink, path, text, 0o777, b"")
        }

        fn hard_link(self, path: &str, original: &str) -> Self {
            self.entry(Kind::HardLink, path, original, 0o644, b"")
        }

        /// The packed folder with its descriptor.
        fn pack(&self, title: &str) -> (Descriptor, Vec<u8>) {
            let archive = [&self.0[..], &END].concat();
            let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut packed, &archive).unwrap();
            let packed = packed.finish().unwrap();
            let mut node = titled(title, &packed);
            node.annotations.insert(keys::CONTENT_UNPACK.into(), "true".into());
            node.annotations.insert(keys::CONTENT_DIGEST.into(), Digest::of(&archive).to_string());
            (node, packed)
        }

        async fn pull(&self, root: &Path, title: &str) -> Result<()> {
            self.pull_with(root, title, Options::default()).await
        }

        async fn pull_with(&self, root: &Path, title: &str, options: Options) -> Result<()> {
            let (node, packed) = self.pack(title);
            Files::new(root, options).unwrap().push(&node, Body::from(packed)).await
        }

        /// Why pulling the folder `d` fails. Nothing may be left of it.
        async fn refused(&self) -> String {
            let folder = folder();
            let root = folder.path().join("out");
            let error = self.pull(&root, "d").await.unwrap_err();
            assert_eq!(names(folder.path()), ["out"]);
            assert_eq!(names(&root), [""; 0]);
            assert!(matches!(error.store_error(), Some(Error::Unpack { .. })), "{error}");
            chain(&error)
        }
    }

    fn chain(error: &dyn std::error::Error) -> String {
        match error.source() {
            Some(source) => format!("{error}: {}", chain(source)),
            None => error.to_string(),
        }
    }

    fn sample() -> Packer {
        Packer::new()
            .folder("d")
            .file("d/a", b"hello")
            .folder("d/sub")
            .file("d/sub/b", b"bye")
            .link("d/sub/up", "../a")
            .hard_link("d/again", "d/a")
    }

    #[tokio::test]
    async fn a_folder_comes_out_as_it_was_packed() {
        let folder = folder();
        sample().pull(folder.path(), "d").await.unwrap();
        let d = folder.path().join("d");
        assert_eq!(names(folder.path()), ["d"]);
        assert_eq!(names(&d), ["a", "again", "sub"]);
        assert_eq!(fs::read(d.join("sub/up")).unwrap(), b"hello");
        let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
        for path in ["a", "sub/b", "sub", ""] {
            assert_eq!(fs::metadata(d.join(path)).unwrap().modified().unwrap(), at, "{path}");
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let inode = |path: &str| fs::metadata(d.join(path)).unwrap().ino();
            assert_eq!(inode("a"), inode("again"));
        }
    }

    #[tokio::test]
    async fn what_was_pushed_is_what_is_pulled_and_pushed_again() {
        let (first, second) = (folder(), folder());
        sample().pull(first.path(), "d").await.unwrap();
        let files = Arc::new(files(first.path()));
        let node = add(&files, "d").await;
        let target = super::files(second.path());
        target.push(&node, Body::stored(files, node.clone())).await.unwrap();
        assert_eq!(add(&super::files(second.path()), "d").await.digest, node.digest);
    }

    #[tokio::test]
    async fn a_folder_merges_into_one_that_is_there() {
        let folder = folder();
        let d = folder.path().join("d");
        fs::create_dir_all(d.join("sub/own")).unwrap();
        fs::write(d.join("a"), "old").unwrap();
        fs::write(d.join("kept"), "kept").unwrap();
        sample().pull(folder.path(), "d").await.unwrap();
        assert_eq!(names(&d), ["a", "again", "kept", "sub"]);
        assert_eq!(names(&d.join("sub")), ["b", "own", "up"]);
        assert_eq!(fs::read(d.join("a")).unwrap(), b"hello");
        sample().pull(folder.path(), "d").await.unwrap();
        assert_eq!(names(folder.path()), ["d"]);
    }

    #[tokio::test]
    async fn the_root_itself_may_be_unpacked_into() {
        let folder = folder();
        fs::write(folder.path().join("kept"), "kept").unwrap();
        let packer = Packer::new().folder(".").file("a", b"hello").file("sub/b", b"bye");
        packer.pull(folder.path(), ".").await.unwrap();
        assert_eq!(names(folder.path()), ["a", "kept", "sub"]);
    }

    #[tokio::test]
    async fn what_is_in_the_way_is_found_before_anything_moves() {
        for (path, is_folder) in [("d/sub/b", true), ("d/sub", false)] {
            let folder = folder();
            let blocked = folder.path().join(path);
            fs::create_dir_all(if is_folder { &blocked } else { blocked.parent().unwrap() }).unwrap();
            if !is_folder {
                fs::write(&blocked, "").unwrap();
            }
            let error = sample().pull(folder.path(), "d").await.unwrap_err();
            assert!(chain(&error).contains("is in the way"), "{}", chain(&error));
            assert_eq!(names(&folder.path().join("d")), ["sub"]);
        }
    }

    #[tokio::test]
    async fn an_existing_folder_must_stay_as_it_is_when_told() {
        let folder = folder();
        fs::create_dir(folder.path().join("d")).unwrap();
        let options = Options { keep_old_files: true, ..Options::default() };
        let error = sample().pull_with(folder.path(), "d", options).await.unwrap_err();
        assert!(matches!(error.store_error(), Some(Error::Overwrite { .. })));
    }

    #[tokio::test]
    async fn entries_stay_in_the_folder() {
        for path in ["../x", "d/../x", "x", "dd/x", "/x", "d/../../x", "/d/x"] {
            let refused = Packer::new().folder("d").file(path, b"x").refused().await;
            assert!(refused.ends_with(&format!("{path:?} is outside of \"d\"")), "{refused}");
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn links_stay_in_the_folder() {
        for text in ["../x", "/etc/passwd", "sub/../../x", "..", ""] {
            let refused = Packer::new().folder("d").link("d/l", text).refused().await;
            assert!(refused.contains("symbolic link leads out"), "{text}: {refused}");
        }
        for text in [".", "a", "sub/../a", "none", "./sub/"] {
            let folder = folder();
            sample().link("d/l", text).pull(folder.path(), "d").await.unwrap();
        }
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn nothing_is_written_through_a_link() {
        let through = [
            Packer::new().folder("d").link("d/l", ".").file("d/l/x", b"x"),
            Packer::new().folder("d").folder("d/s").link("d/l", "s").file("d/l/deep/x", b"x"),
            Packer::new().folder("d").folder("d/s").link("d/l", "s").folder("d/l/x"),
            Packer::new().folder("d").folder("d/s").link("d/l", "s").folder("d/l"),
            Packer::new().folder("d").folder("d/s").link("d/l", "s").link("d/l/m", "x"),
            Packer::new().folder("d").file("d/f", b"x").link("d/l", ".").hard_link("d/x", "d/l/f"),
        ];
        for packer in through {
            let refused = packer.refused().await;
            assert!(refused.contains("no symbolic link allowed between"), "{refused}");
        }
    }

    /// Each link by itself stays inside as far as its text says; together they would not.
    #[cfg(unix)]
    #[tokio::test]
    async fn links_do_not_lead_out_together() {
        let base = || Packer::new().folder("d").folder("d/a").folder("d/a/b");
        let chains = [
            base().link("d/a/b/l", "../..").link("d/q", "a/b/l/.."),
            base().link("d/q", "a/b/l/..").link("d/a/b/l", "../.."),
            base().link("d/l", "a/b").link("d/a/b/m", "../..").link("d/q", "l/m/../x"),
        ];
        for packer in chains {
            let refused = packer.refused().await;
            assert!(refused.contains("leads through another and back up"), "{refused}");
        }
        // A link under another name would lead elsewhere.
        let refused = base().link("d/a/b/l", "../..").hard_link("d/m", "d/a/b/l").refused().await;
        assert!(refused.contains("no symbolic link allowed"), "{refused}");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn links_of_two_archives_do_not_lead_out_together() {
        let folder = folder();
        let base = || Packer::new().folder("d").folder("d/a").folder("d/a/b");
        base().link("d/a/b/l", "../..").pull(folder.path(), "d").await.unwrap();
        let error = base().link("d/q", "a/b/l/..").pull(folder.path(), "d").await.unwrap_err();
        assert!(chain(&error).contains("leads through another and back up"), "{}", chain(&error));
        assert!(fs::symlink_metadata(folder.path().join("d/q")).is_err());
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn links_that_are_there_are_not_written_through() {
        use std::os::unix::fs::symlink;
        let folder = folder();
        let out = folder.path().join("out");
        fs::create_dir_all(out.join("d")).unwrap();
        fs::create_dir(folder.path().join("elsewhere")).unwrap();
        fs::write(folder.path().join("victim"), "precious").unwrap();
        symlink("../../victim", out.join("d/a")).unwrap();
        sample().pull(&out, "d").await.unwrap();
        assert_eq!(fs::read(folder.path().join("victim")).unwrap(), b"precious");
        assert_eq!(fs::read(out.join("d/a")).unwrap(), b"hello");
        fs::remove_dir_all(out.join("d/sub")).unwrap();
        symlink("../../elsewhere", out.join("d/sub")).unwrap();
        let error = sample().pull(&out, "d").await.unwrap_err();
        assert!(chain(&error).contains("no symbolic link allowed between"), "{}", chain(&error));
        fs::remove_dir_all(out.join("d")).unwrap();
        symlink("../elsewhere", out.join("d")).unwrap();
        let error = sample().pull(&out, "d").await.unwrap_err();
        assert!(chain(&error).contains("path traversal disallowed"), "{}", chain(&error));
        assert_eq!(names(&folder.path().join("elsewhere")), [""; 0]);
    }

    #[tokio::test]
    async fn hard_links_are_to_files_of_the_same_folder() {
        for original in ["../x", "/etc/passwd", "a"] {
            let refused = sample().hard_link("d/h", original).refused().await;
            assert!(refused.contains("is outside of"), "{refused}");
        }
        assert!(sample().hard_link("d/h", "d/none").refused().await.contains("d/h"));
        assert!(sample().hard_link("d/h", "d/sub").refused().await.contains("no symbolic link"));
    }

    #[tokio::test]
    async fn the_last_of_several_entries_of_one_name_wins_and_writes_through_none() {
        let folder = folder();
        let packer = sample().file("d/again", b"other").file("d/sub/up", b"a file now");
        packer.pull(folder.path(), "d").await.unwrap();
        let read = |path: &str| fs::read(folder.path().join(path)).unwrap();
        assert_eq!((read("d/a"), read("d/again")), (b"hello".to_vec(), b"other".to_vec()));
        assert_eq!(read("d/sub/up"), b"a file now");
        assert!(sample().file("d/sub", b"x").refused().await.contains("is in the way"));
        assert!(sample().folder("d/a").refused().await.contains("is in the way"));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn modes_come_along_without_rights_of_others() {
        use std::os::unix::fs::MetadataExt as _;
        let folder = folder();
        let packer = Packer::new()
            .folder("d")
            .entry(Kind::Regular, "d/run", "", 0o6755, b"x")
            .entry(Kind::Regular, "d/read", "", 0o400, b"x")
            .entry(Kind::Directory, "d/closed", "", 0o500, b"")
            .file("d/closed/x", b"x");
        packer.pull(folder.path(), "d").await.unwrap();
        let mode = |path: &str| fs::metadata(folder.path().join(path)).unwrap().mode() & 0o7777;
        assert_eq!((mode("d/run"), mode("d/read"), mode("d/closed")), (0o755, 0o400, 0o500));
    }

    #[tokio::test]
    async fn devices_are_passed_over() {
        let folder = folder();
        let mut packer = Packer::new().folder("d");
        for kind in [Kind::Character, Kind::Block, Kind::Fifo] {
            packer = packer.entry(kind, &format!("d/{kind:?}"), "", 0o666, b"");
        }
        packer.pull(folder.path(), "d").await.unwrap();
        assert_eq!(names(&folder.path().join("d")), [""; 0]);
    }

    #[tokio::test]
    async fn an_archive_may_leave_folders_out() {
        let folder = folder();
        Packer::new().file("d/a/b/c", b"x").pull(folder.path(), "d").await.unwrap();
        assert_eq!(fs::read(folder.path().join("d/a/b/c")).unwrap(), b"x");
    }

    #[tokio::test]
    async fn a_bomb_ends_at_the_limit() {
        let folder = folder();
        let packer = Packer::new().folder("d").file("d/zeros", &vec![0; 8 << 20]);
        let with = |limit| Options { unpack_limit: Some(limit), ..Options::default() };
        let error = packer.pull_with(folder.path(), "d", with(4 << 20)).await.unwrap_err();
        assert!(chain(&error).ends_with("content exceeds the limit of 4194304 bytes"), "{}", chain(&error));
        assert_eq!(names(folder.path()), [""; 0]);
        packer.pull_with(folder.path(), "d", with(9 << 20)).await.unwrap();
    }

    /// A bomb that compresses a thousandfold, and a name of a megabyte: neither is held in memory.
    #[tokio::test]
    async fn names_without_end_are_refused_and_deep_folders_leave_nothing() {
        let long = format!("d/{}", "a/".repeat(3_000));
        assert!(Packer::new().folder("d").folder(&long).refused().await.contains("it is too long"));
        // As deep as a path can name; more levels than a program has open files.
        let deep = format!("d/{}x", "a/".repeat(1_900));
        let refused = Packer::new().file(&deep, b"x").file("d/../x", b"x").refused().await;
        assert!(refused.contains("is outside of"), "{refused}");
        let folder = folder();
        Packer::new().file(&deep, b"x").pull(folder.path(), "d").await.unwrap();
        assert_eq!(fs::read(folder.path().join(&deep)).unwrap(), b"x");
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn names_that_differ_in_case_only_do_not_hide_each_other() {
        let folder = folder();
        let packer = Packer::new().folder("d").link("d/A", "sub").folder("d/sub").file("d/a/x", b"x");
        let pulled = packer.pull(folder.path(), "d").await;
        // Where a file system takes both for one, what would go through the link is refused.
        match pulled {
            Ok(()) => assert_eq!(names(&folder.path().join("d/sub")), [""; 0]),
            Err(error) => assert!(chain(&error).contains("no symbolic link allowed"), "{error}"),
        }
        assert_eq!(key_of(Path::new("/w/A.txt"), true), key_of(Path::new("/w/a.TXT"), true));
        assert_ne!(key_of(Path::new("/w/A.txt"), false), key_of(Path::new("/w/a.TXT"), false));
    }

    #[tokio::test]
    async fn content_of_another_digest_never_gets_its_name() {
        let folder = folder();
        let (mut node, packed) = sample().pack("d");
        let digest = node.annotations.insert(keys::CONTENT_DIGEST.into(), Digest::of(b"other").to_string());
        let pull =
            async |node: &Descriptor| files(folder.path()).push(node, Body::from(packed.clone())).await;
        let error = pull(&node).await.unwrap_err();
        assert!(chain(&error).ends_with("content digest mismatch"), "{}", chain(&error));
        assert_eq!(names(folder.path()), [""; 0]);
        // What is no digest cannot be compared.
        node.annotations.insert(keys::CONTENT_DIGEST.into(), "unknown".into());
        pull(&node).await.unwrap();
        assert!(digest.is_some());
    }

    #[tokio::test]
    async fn what_is_no_packed_folder_is_refused() {
        let folder = folder();
        let whole = sample().pack("d").1;
        for content in [&b"hello"[..], b"", &whole[..whole.len() / 2], &whole[..whole.len() - 4]] {
            let mut node = titled("d", content);
            node.annotations.insert(keys::CONTENT_UNPACK.into(), "true".into());
            let error = files(folder.path()).push(&node, Body::from(content.to_vec())).await.unwrap_err();
            let expected = format!("failed to extract tar to {}", folder.path().join("d").display());
            assert_eq!(error.to_string(), expected);
        }
        assert_eq!(names(folder.path()), [""; 0]);
    }

    #[tokio::test]
    async fn only_the_word_true_unpacks() {
        let folder = folder();
        let (mut node, packed) = sample().pack("d");
        node.annotations.insert(keys::CONTENT_UNPACK.into(), "True".into());
        files(folder.path()).push(&node, Body::from(packed.clone())).await.unwrap();
        assert_eq!(fs::read(folder.path().join("d")).unwrap(), packed);
    }

    #[tokio::test]
    async fn the_packed_form_of_an_unpacked_folder_can_be_restored() {
        let folder = folder();
        let (node, packed) = sample().pack("d");
        let files = files(folder.path());
        files.push(&node, Body::from(packed.clone())).await.unwrap();
        assert!(files.restore(&titled("d.tar.gz", &packed)).await.unwrap());
        assert_eq!(fs::read(folder.path().join("d.tar.gz")).unwrap(), packed);
    }
}
