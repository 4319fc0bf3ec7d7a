//! `oras discover`

use serde_json::{Map, Value};

use crate::{
    cli::{
        args::{
            self, Common, DistributionSpec, Examples, FormatFlags, Formats, Plain, PlatformFlag, Synopsis,
            TargetFlags, Verbose,
        },
        context::{Access, Context},
        output::{
            Format, Render, model, pretty,
            table::two_columns,
            tree::{self, Branch},
            visible,
        },
    },
    oci::Descriptor,
    ops::{
        self,
        discover::{Options, Tree},
    },
};

const SYNOPSIS: Synopsis = Synopsis {
    path: "oras discover",
    arguments: "[flags] <name>{:<tag>|@<digest>}",
    advice: "Please specify what to discover the referrers of.",
};

const EXAMPLES: Examples = &[
    ("Show the tree of what is attached", "oras discover localhost:5000/hello:v1"),
    (
        "Show only signatures, as JSON",
        "oras discover localhost:5000/hello:v1 --artifact-type application/vnd.example.signature --format json",
    ),
    (
        "Print the digests of SBOMs",
        "oras discover localhost:5000/hello:v1 --format go-template='{{range .referrers}}{{println .digest}}{{end}}'",
    ),
];

/// [Preview] Show what is attached to a manifest in a registry or an OCI image layout
#[derive(Debug, clap::Args)]
#[command(override_usage = SYNOPSIS.usage(), after_help = args::examples(EXAMPLES))]
pub(crate) struct Discover {
    /// Whose referrers to show
    #[arg(value_name = "NAME{:TAG|@DIGEST}")]
    arguments: Vec<String>,
    /// Show only referrers of this type
    #[arg(long, value_name = "TYPE", help_heading = "Content")]
    artifact_type: Option<String>,
    /// [Experimental] Show so many levels [default: all]
    #[arg(long, value_name = "LEVELS", help_heading = "Content", allow_negative_numbers = true)]
    depth: Option<i64>,
    #[command(flatten)]
    format: FormatFlags,
    /// [Deprecated] Form of the result: tree, table or json
    #[arg(short, long, value_name = "FORMAT", hide = true)]
    output: Option<String>,
    #[command(flatten)]
    platform: PlatformFlag,
    #[command(flatten)]
    spec: DistributionSpec<Plain>,
    #[command(flatten)]
    target: TargetFlags<Plain>,
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    verbose: Verbose,
}

pub(crate) async fn run(context: &Context, args: &Discover) -> anyhow::Result<()> {
    let is_verbose = args.verbose.is_verbose(&context.printer);
    let [raw] = args::exactly(&args.arguments, &SYNOPSIS)?;
    let platform = args.platform.platform()?;
    let located = args.target.locate(raw)?;
    let identity = context.identity(&args.target.remote)?;
    let format = parse_format(context, args)?;
    let depth = args.depth.map(|depth| usize::try_from(depth).ok().filter(|depth| *depth > 0));
    if depth == Some(None) {
        anyhow::bail!("depth value should be at least 1");
    }
    let depth = if matches!(format, Format::Table) { Some(1) } else { depth.flatten() };
    let reachable = context.with_referrers(args.spec.mode());
    let source = reachable.open_source(&located, &args.target, &args.common, identity, Access::Pull).await?;
    let reference = located.require_reference(&SYNOPSIS)?;
    let root = ops::resolve(&*source, reference, platform.as_ref()).await?;
    let artifact_type = args.artifact_type.clone().filter(|kind| !kind.is_empty());
    let tree = ops::discover::discover(source, root, &Options { artifact_type, depth }).await?;
    let has_colours = args.common.allows_terminal() && context.has_colours();
    let shown = Discovered {
        raw: &located.raw,
        name: located.name(),
        tree: &tree,
        is_verbose,
        has_colours,
        is_table: matches!(format, Format::Table),
        has_old_names: args.output.is_some(),
    };
    context.printer.show(&shown, &format)
}

/// The format, from `--format` or its deprecated forerunner `--output`.
fn parse_format(context: &Context, args: &Discover) -> anyhow::Result<Format> {
    let Some(output) = args.output.clone() else {
        return args.format.parse(Formats::TreeAndTable, &context.printer);
    };
    if args.format.is_given() {
        return Err(args::exclusive(&["--format", "--output"]).into());
    }
    if output == "go-template" || output.starts_with("go-template=") {
        anyhow::bail!("output type can only be tree, table or json");
    }
    let mut flags = args.format.clone();
    flags.set(output.clone());
    let format = flags.parse(Formats::TreeAndTable, &context.printer)?;
    context.printer.notice(&format!("[DEPRECATED] --output is deprecated, try `--format {output}` instead"));
    Ok(format)
}

struct Discovered<'a> {
    raw: &'a str,
    name: String,
    tree: &'a Tree,
    is_verbose: bool,
    has_colours: bool,
    is_table: bool,
    /// Does the JSON have the names as well under which older versions listed referrers?
    has_old_names: bool,
}

const GREEN: &str = "\u{1b}[32m";
const YELLOW: &str = "\u{1b}[93m";
const GREY: &str = "\u{1b}[90m";

impl Discovered<'_> {
    fn paint(&self, colour: &str, text: &str) -> String {
        let text = visible(text);
        if self.has_colours { format!("{colour}{text}\u{1b}[0m") } else { text.into_owned() }
    }

    fn root(&self) -> &Descriptor {
        &self.tree.nodes[0].descriptor
    }

    fn tree(&self) -> String {
        let root = self.paint(GREEN, &format!("{}@{}", self.name, self.root().digest));
        let mut branches = vec![Branch { text: root, below: Vec::new() }];
        // Places of a node in the tree of referrers and in the drawing.
        let mut stack = vec![(0, 0)];
        while let Some((place, drawn)) = stack.pop() {
            if place != 0 {
                self.annotations(place, drawn, &mut branches);
            }
            let mut types: Vec<(String, usize)> = Vec::new();
            for &referrer in &self.tree.nodes[place].referrers {
                let node = &self.tree.nodes[referrer].descriptor;
                let kind = node
                    .artifact_type
                    .clone()
                    .filter(|kind| !kind.is_empty())
                    .unwrap_or_else(|| "<unknown>".to_owned());
                let known = types.iter().find(|(name, _)| *name == kind).map(|(_, place)| *place);
                let type_place = known.unwrap_or_else(|| {
                    let place = hang(&mut branches, drawn, self.paint(YELLOW, &kind));
                    types.push((kind, place));
                    place
                });
                let digest = self.paint(GREEN, &node.digest.to_string());
                stack.push((referrer, hang(&mut branches, type_place, digest)));
            }
        }
        tree::draw(&branches)
    }

    fn annotations(&self, place: usize, drawn: usize, branches: &mut Vec<Branch>) {
        let annotations = &self.tree.nodes[place].descriptor.annotations;
        if !self.is_verbose || annotations.is_empty() {
            return;
        }
        let heading = hang(branches, drawn, self.paint(GREY, "[annotations]"));
        for (key, value) in annotations {
            hang(branches, heading, tree::pair(key, value));
        }
    }

    /// The referrers of the root itself.
    fn referrers(&self) -> Vec<&Descriptor> {
        self.tree.nodes[0].referrers.iter().map(|&place| &self.tree.nodes[place].descriptor).collect()
    }

    /// The referrers of the root itself, each shown in a certain way.
    fn direct(&self, show: impl Fn(&Descriptor) -> Map<String, Value>) -> Value {
        self.referrers().into_iter().map(|node| Value::Object(show(node))).collect()
    }

    fn table(&self) -> String {
        let referrers = self.referrers();
        let plural = if referrers.len() == 1 { "artifact" } else { "artifacts" };
        let mut text = format!(
            "Discovered {} {plural} referencing {}\nDigest: {}\n",
            referrers.len(),
            visible(self.raw),
            self.root().digest
        );
        if referrers.is_empty() {
            return text;
        }
        let row = |node: &&Descriptor| {
            [visible(node.artifact_type.as_deref().unwrap_or_default()).into_owned(), node.digest.to_string()]
        };
        let rows: Vec<_> = referrers.iter().map(row).collect();
        let mut lines = two_columns(["Artifact Type", "Digest"], &rows).into_iter();
        text.push('\n');
        text.extend(lines.next().map(|heading| heading + "\n"));
        for (line, node) in lines.zip(referrers) {
            text.push_str(&format!("{line}\n"));
            if self.is_verbose {
                let described = Descriptor { platform: None, urls: Vec::new(), data: None, ..node.clone() };
                text.push_str(&String::from_utf8_lossy(&pretty(&serde_json::json!(described))));
            }
        }
        text
    }
}

/// A referrer as the first versions showed it.
fn reference(node: &Descriptor) -> Map<String, Value> {
    let kind = node.artifact_type.clone().unwrap_or_default();
    Map::from_iter([
        ("digest".to_owned(), node.digest.to_string().into()),
        ("artifactType".to_owned(), kind.into()),
    ])
}

/// Adds a branch below another, and returns its place.
fn hang(branches: &mut Vec<Branch>, below: usize, text: String) -> usize {
    let place = branches.len();
    branches.push(Branch { text, below: Vec::new() });
    branches[below].below.push(place);
    place
}

impl Render for Discovered<'_> {
    fn text(&self) -> String {
        if self.is_table { self.table() } else { self.tree() }
    }

    fn json(&self) -> Value {
        // A node stands behind its referrers' places never, so building from the end needs no recursion.
        let mut built: Vec<Option<Value>> = vec![None; self.tree.nodes.len()];
        for place in (0..self.tree.nodes.len()).rev() {
            let node = &self.tree.nodes[place];
            let mut object = model::descriptor(&self.name, &node.descriptor);
            let referrers: Vec<Value> =
                node.referrers.iter().filter_map(|&referrer| built[referrer].take()).collect();
            object.insert("referrers".into(), referrers.into());
            built[place] = Some(object.into());
        }
        let mut document = built[0].take().unwrap_or_default();
        if let Some(object) = document.as_object_mut().filter(|_| self.has_old_names) {
            object.insert("references".into(), self.direct(reference));
            object.insert("manifests".into(), self.direct(|node| model::descriptor(&self.name, node)));
        }
        document
    }
}
